/** Two nodes over one PostgreSQL: whoever stored an event, every reader of either is told it, once and in the order of the log. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type NatsServer, startNats } from "../nats.ts";
import { newDatabase } from "../postgres-database.ts";
import { nativeClients } from "./native-client.ts";
import { publish, type TestServer, startTestServer, until } from "./server.ts";
import { orderCreated } from "./trading-order.ts";

let nats: NatsServer;
let nodes: readonly [TestServer, TestServer];
const ann = { sub: "ann" };
const clients = [nativeClients(() => nodes[0]), nativeClients(() => nodes[1])] as const;

beforeAll(async () => {
  nats = await startNats();
});
afterEach(() => {
  for (const each of clients) each.end();
});
afterAll(async () => {
  await nats.remove();
});

/** Two nodes over a database of their own, for the tests of the block. */
function nodesWith(more: () => Readonly<Record<string, string>> = () => ({})) {
  beforeAll(async () => {
    const env = { ...more(), BROADTAPE_DATABASE_URL: await newDatabase() };
    nodes = [
      await startTestServer({ env: { ...env, BROADTAPE_NODE: "a" } }),
      await startTestServer({ env: { ...env, BROADTAPE_NODE: "b" } }),
    ];
    for (const node of nodes) await until(async () => (await metric(node, "wire_connected")) === 1, node.output);
  });
  afterAll(async () => {
    for (const node of nodes) await node.remove();
  });
}

/** What a node counts, by its name without `broadtape_`. */
async function metric({ url }: TestServer, name: string): Promise<number | undefined> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const [, value] = new RegExp(`^broadtape_${name} (\\S+)$`, "m").exec(text) ?? [];
  return value === undefined ? undefined : Number(value);
}

/** Publishes orders one after the other, and returns their ids in the log. */
async function trade(node: TestServer, ids: readonly string[]): Promise<string[]> {
  const told: string[] = [];
  for (const id of ids) {
    const { status, text, body } = await publish(node.url, orderCreated(id));
    if (status !== 200) throw new Error(text);
    told.push(...body.results.map(({ eventId }) => eventId));
  }
  return told;
}

async function reader(at: 0 | 1, after?: string) {
  const client = await clients[at].welcomed(ann);
  client.say({ type: "subscribe", id: 1, topics: ["orders:me"], ...(after !== undefined && { after, snapshot: false }) });
  await client.first("subscribed");
  const eventsOf = () =>
    client.told.flatMap((message) =>
      message.type === "batch"
        ? (message["events"] as { eventId: string }[])
        : message.type === "event"
          ? [message as unknown as { eventId: string }]
          : [],
    );
  return { client, ids: () => eventsOf().map(({ eventId }) => eventId) };
}

describe("over the database alone", () => {
  nodesWith();

  it("tells readers of both what either stored, and one that changes nodes what it missed", async () => {
    const readers = [await reader(0), await reader(1)] as const;
    const names = (node: number) => Array.from({ length: 40 }, (_, index) => `o-${node}-${index}`);
    const stored = await Promise.all([trade(nodes[0], names(0)), trade(nodes[1], names(1))]);
    const all = stored.flat().sort();
    for (const { ids } of readers) {
      await until(() => ids().length >= all.length, ids);
      expect(ids()).toEqual(all);
    }
    const cursor = all.at(10) ?? "";
    readers[1].client.socket.close();
    const missed = await trade(nodes[0], ["later"]);
    const back = await reader(0, cursor);
    await until(() => back.ids().includes(missed[0] ?? ""), back.ids);
    expect(back.ids()).toEqual([...all.slice(11), ...missed]);
  });

  it("goes on at the other when one is killed, and with both when it is back", async () => {
    const { client, ids } = await reader(1);
    const before = await trade(nodes[1], ["before"]);
    // What the other node stored last may come first.
    await until(() => ids().at(-1) === before[0], ids);
    await nodes[1].kill("SIGKILL");
    const during = await trade(nodes[0], ["during"]);
    const moved = await reader(0, before[0]);
    await until(() => moved.ids().length === 1, moved.ids);
    expect(moved.ids()).toEqual(during);
    nodes = [nodes[0], await nodes[1].restart()];
    const after = await trade(nodes[1], ["after"]);
    await until(() => moved.ids().length === 2, moved.ids);
    expect(moved.ids()).toEqual([...during, ...after]);
    client.socket.close();
  });

  it("wakes the other node instead of leaving it to look for itself", async () => {
    const { ids } = await reader(1);
    const before = (await metric(nodes[1], "wire_wakes_total")) ?? Number.NaN;
    const stored = await trade(nodes[0], ["woken-1", "woken-2", "woken-3"]);
    await until(() => ids().length === 3, ids);
    expect(ids()).toEqual(stored);
    await until(async () => ((await metric(nodes[1], "wire_wakes_total")) ?? 0) > before);
  });
});

describe("over NATS", () => {
  nodesWith(() => ({ BROADTAPE_NATS_URL: nats.url }));

  const heard = () => metric(nodes[1], "wire_heard_messages_total");

  it("carries what one stored to the other; without NATS it arrives all the same, and is carried again when NATS is back", async () => {
    const { ids } = await reader(1);
    const all = await trade(nodes[0], ["carried-1", "carried-2", "carried-3"]);
    await until(() => ids().length === all.length, ids);
    expect(await heard()).toBe(3);

    await nats.kill();
    await until(async () => (await metric(nodes[1], "wire_connected")) === 0);
    all.push(...(await trade(nodes[0], ["alone-1", "alone-2"])));
    await until(() => ids().length === all.length, ids);
    expect(await heard()).toBe(3);

    await nats.start();
    for (const node of nodes) await until(async () => (await metric(node, "wire_connected")) === 1);
    all.push(...(await trade(nodes[0], ["back-1", "back-2"])));
    await until(() => ids().length === all.length, ids);
    expect(ids()).toEqual(all);
    expect(await heard()).toBe(5);
    expect(nodes[1].output().match(/the wire to the other nodes is away/g)).toHaveLength(1);
  });
});
