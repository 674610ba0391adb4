/** One node over PostgreSQL: what is acknowledged outlives server and database, and nothing is acknowledged while the database is away. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Cluster, query, startCluster } from "../postgres.ts";
import { publish, type TestServer, startTestServer, token, until } from "./server.ts";
import { feedClients, payment, payments, tell } from "./transactions/feed-client.ts";

let cluster: Cluster;
let url: string;
let server: TestServer;
const clients = feedClients(() => server);

beforeAll(async () => {
  cluster = await startCluster();
  url = await cluster.createDatabase("desk");
  server = await startTestServer({ env: { BROADTAPE_DATABASE_URL: url } });
});
afterEach(() => clients.end());
afterAll(async () => {
  await server.remove();
  await cluster.remove();
});

const publishPayment = (user: string, id: string) => {
  const event = JSON.parse(payment(user, id)) as Record<string, unknown>;
  return publish(server.url, { ...event, id, source: "bank" });
};

it("says at start what the database promises", () => {
  const line =
    server
      .output()
      .split("\n")
      .find((each) => each.includes("the log is in PostgreSQL")) ?? "{}";
  expect(JSON.parse(line)).toMatchObject({ database: { synchronousCommit: "on", syncsToDisk: true } });
  expect(server.output()).not.toContain(url);
});

it("tells a client over restarts of the server and of the database everything, once", async () => {
  const claims = { sub: "ann" };
  const first = await clients.plain(claims, "?clientId=device");
  await first.subscribe({ events: ["transaction"] });
  await tell(server, payments("ann", ["one", "two"]));
  await first.idsUpTo("two");
  first.say({ type: "ack", eventIds: first.all("transaction").map(({ eventId }) => eventId) });
  await tell(server, payments("ann", ["three"]));
  await first.idsUpTo("three");
  first.close();
  await server.kill("SIGTERM");
  await cluster.stop("SIGQUIT");
  await cluster.start();
  server = await server.restart();
  await tell(server, payments("ann", ["four"]));
  const next = await clients.plain(claims, "?clientId=device");
  expect(next.told[0]).toMatchObject({ resumed: true, subscription: { events: ["transaction"] } });
  expect(await next.idsUpTo("four")).toEqual(["three", "four"]);
});

it("loses nothing that it acknowledged when it is killed", async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => publishPayment("bob", `bob-${index}`)));
  await server.kill("SIGKILL");
  server = await server.restart();
  const again = await publishPayment("bob", "bob-7");
  expect(again.body.results[0]).toEqual({ ...answers[7]?.body.results[0], duplicate: true });
  const [stored] = await query(url, "select count(*)::int as n from broadtape.events where source = 'bank'");
  expect(stored).toEqual({ n: 20 });
});

it("answers 503 with Retry-After while the database is away, stores none of it, and goes on by itself", async () => {
  const client = await clients.plain({ sub: "eve" });
  await client.subscribe({ events: ["transaction"] });
  await cluster.stop("SIGQUIT");
  const refused = await publishPayment("eve", "eve-1");
  expect([refused.status, Number(refused.headers.get("retry-after"))]).toEqual([503, 1]);
  expect(refused.text).not.toMatch(/127\.0\.0\.1|ECONNREFUSED/);
  const session = await fetch(`${server.url}/api/session`, { method: "POST", headers: { authorization: `Bearer ${await token()}` } });
  expect(session.status).toBe(503);
  await cluster.start();
  await until(async () => (await publishPayment("eve", "eve-1")).status === 200);
  expect(await client.idsUpTo("eve-1")).toEqual(["eve-1"]);
  expect((await publishPayment("eve", "eve-1")).body.results[0]?.duplicate).toBe(true);
});

it("acknowledges under load, while the database crashes and comes back, only what is stored, and each id once", async () => {
  const acknowledged = new Map<string, string>();
  let isOver = false;
  const publishers = Array.from({ length: 4 }, async (_, publisher) => {
    for (let number = 0; !isOver; number++) {
      const id = `load-${publisher}-${number}`;
      // Repeated by its id until it is answered: the answer of an attempt may be lost.
      const answer = await until(async () => {
        const attempt = await publishPayment("load", id);
        return attempt.status === 200 && attempt;
      });
      acknowledged.set(id, answer.body.results[0]?.eventId ?? "");
    }
  });
  for (let crash = 0; crash < 3; crash++) {
    const before = acknowledged.size;
    await until(() => acknowledged.size > before + 20);
    await cluster.stop("SIGQUIT");
    await cluster.start();
  }
  isOver = true;
  await Promise.all(publishers);
  const stored = await query(url, `select id from broadtape.events where id like 'load-%' order by "offset"`);
  expect(stored.map(({ id }) => id).sort()).toEqual([...acknowledged.keys()].sort());
  const [offsets] = await query(
    url,
    `select max("offset")::int - min("offset")::int + 1 as span, count(*)::int as n from broadtape.events`,
  );
  expect(offsets?.["span"]).toBe(offsets?.["n"]);
});
