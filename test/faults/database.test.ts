/**
 * The database is away for a while: what is stored is delivered all the same, acks are kept until it is back, and nothing new is
 * acknowledged. The database comes back as it was before: nodes end, and go on with another life of the log.
 */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { startTestCluster, type TestCluster } from "../cluster.ts";
import { publish } from "../contract/server.ts";
import { feedClients, payments, tell } from "../contract/transactions/feed-client.ts";
import { query } from "../postgres.ts";
import { until } from "../until.ts";

/** Longer than all leases and patience; the minute takes no other path. */
const AWAY_MS = 12_000;

let cluster: TestCluster;
const first = () => ({ url: cluster.nodes[0]?.url ?? "" });
const second = () => ({ url: cluster.nodes[1]?.url ?? "" });
beforeAll(async () => {
  cluster = await startTestCluster({ nodes: 2 });
});
afterAll(() => cluster.remove());
const { plain, end } = feedClients(first);
afterEach(end);

const names = (count: number) => Array.from({ length: count }, (_, index) => `t-${index}`);

it("delays no delivery of what is stored, and loses no ack", async () => {
  const query = "?clientId=phone&window=5";
  const phone = await plain({ sub: "ann" }, query);
  await phone.subscribe();
  const told = new Set<string>();
  let isAcking = false;
  const ack = () => {
    if (!isAcking) return;
    for (const { eventId } of phone.all("transaction")) {
      if (told.has(eventId)) continue;
      told.add(eventId);
      phone.say({ type: "ack", eventId });
    }
  };
  const eventIds = await tell(first(), payments("ann", names(60)));
  await until(() => phone.ids().length === 5);

  cluster.database?.setReachable(false);
  const isOver = Date.now() + AWAY_MS;
  isAcking = true;
  await until(
    () => {
      ack();
      return told.size === eventIds.length;
    },
    () => `${told.size} of ${eventIds.length} came while the database was away`,
  );
  const refused = await publish(first().url, payments("ann", ["later"])[0]);
  expect([refused.status, Number(refused.headers.get("retry-after")) > 0]).toEqual([503, true]);
  await until(() => Date.now() > isOver);
  cluster.database?.setReachable(true);
  await until(async () => (await publish(second().url, payments("ann", ["later"])[0])).status === 200);
  const [last] = await phone.idsUpTo("later").then(() => phone.all("transaction").slice(-1));
  phone.say({ type: "ack", eventId: last?.eventId });

  phone.close();
  const again = await plain({ sub: "ann" }, query, second().url);
  await tell(second(), payments("ann", ["end"]));
  expect(await again.idsUpTo("end")).toEqual(["end"]);
});

it("ends the nodes whose log is another one than before, and those that are started again go on", async () => {
  await tell(first(), payments("bob", ["kept", "lost"]));
  const url = cluster.database?.url ?? "";
  const [{ head } = {}] = await query(url, "select head::int from broadtape.heads");
  for (const table of ["events", "event_topics", "event_ids"])
    await query(url, `delete from broadtape.${table} where "offset" = $1`, [head]);
  await query(url, "update broadtape.heads set head = head - 1");
  await until(() => cluster.nodes.every(({ isRunning }) => !isRunning));
  expect(cluster.nodes.map((node) => node.process.exitCode)).toEqual([1, 1]);
  expect(cluster.nodes[0]?.output()).toMatch(/start again/);
  await Promise.all(cluster.nodes.map((node) => node.start()));
  const bob = await plain({ sub: "bob" }, "", second().url);
  await bob.subscribe();
  await tell(first(), payments("bob", ["new"]));
  expect(await bob.idsUpTo("new")).toContain("new");
});
