/** The clock of one node is an hour ahead (libfaketime). Nodes go by the database's, so nobody can tell which one it is. */
import { globSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { startTestCluster, type TestCluster } from "../cluster.ts";
import { nativeClients } from "../contract/native-client.ts";
import { publish, token } from "../contract/server.ts";
import { until } from "../until.ts";
import { Publishers } from "./publishers.ts";
import { Readers } from "./readers.ts";

const AHEAD_MS = 3_600_000;
/** Two clocks that are read one after the other, on a busy machine. */
const SAME_MS = 20_000;

let cluster: TestCluster;
let wrong: string;
beforeAll(async () => {
  const [library] = globSync("/usr/lib/*/faketime/libfaketime.so.1");
  if (library === undefined) throw new Error("libfaketime is not installed: apt-get install faketime");
  const clock = { LD_PRELOAD: library, FAKETIME: "+1h", FAKETIME_DONT_FAKE_MONOTONIC: "1" };
  cluster = await startTestCluster({ nodes: 2, envOf: (name) => (name === "n2" ? clock : {}) });
  wrong = cluster.nodes[1]?.url ?? "";
});
afterAll(() => cluster.remove());

const clients = nativeClients(() => ({ url: wrong }));
afterEach(() => {
  clients.end();
});

const isNow = (time: number, since = Date.now()) => time > since - SAME_MS && time < Date.now() + SAME_MS;

it("has the wrong clock, and says so", () => {
  expect(cluster.nodes[1]?.output()).toMatch(/clock/);
  const [line = ""] = (cluster.nodes[1]?.output() ?? "").split("\n").filter((text) => text.includes('"listening"'));
  expect(Date.parse((JSON.parse(line) as { time: string }).time) - Date.now()).toBeGreaterThan(AHEAD_MS / 2);
});

it("stamps what it stores with the right time", async () => {
  const price = `{"type":"market-data.best-price","data":{"symbol":"EURUSD","bestBid":{"price":1.1,"size":1,"source":"A"},"bestAsk":{"price":1.2,"size":2,"source":"B"},"timestamp":1735819800000}}`;
  const { status, body } = await publish(wrong, price);
  const [milliseconds] = (body.results[0]?.eventId ?? "").split("-");
  expect([status, isNow(Number(milliseconds))]).toEqual([200, true]);
});

it("takes tokens that are still good, and refuses those that have ended", async () => {
  const statusWith = async (ttlMs: number) => {
    const headers = { authorization: `Bearer ${await token({ ttlMs })}` };
    return (await fetch(`${wrong}/api/v1/subscriptions`, { headers })).status;
  };
  expect([await statusWith(AHEAD_MS / 2), await statusWith(-60_000)]).toEqual([200, 401]);
});

it("counts an RFQ down to its end, not to another", async () => {
  const expiresAt = new Date(Date.now() + 60_000).toISOString();
  const rfq = { rfqId: "clock", traderId: "ann", symbol: "EUR/USD", side: "buy", quantity: 5, expiresAt };
  for (const type of ["rfq.created", "rfq.distributed"]) {
    const data = type === "rfq.created" ? rfq : { rfqId: "clock", lpCount: 1 };
    const { status, text } = await publish(wrong, { type, data });
    if (status !== 200) throw new Error(text);
  }
  const client = await clients.welcomed({ sub: "ann" });
  client.say({ type: "subscribe", id: 1, topics: ["rfq:clock"] });
  const ticks = () =>
    client.told.flatMap((message) => {
      const messages = message.type === "batch" ? (message["events"] as Record<string, unknown>[]) : [message];
      return messages.flatMap(({ data }) => (data as { timeRemaining?: number } | undefined)?.timeRemaining ?? []);
    });
  const [left = 0] = await until(
    () => (ticks().length > 0 ? ticks() : undefined),
    () => client.told,
  );
  expect(left).toBeGreaterThan(20);
  expect(left).toBeLessThanOrEqual(60);
});

it("loses nothing, nor tells it out of order", async () => {
  const users = ["ann", "bob", "cid"];
  const beganAt = Date.now();
  const urlOf = (index: number) => cluster.nodes[index % 2]?.url ?? "";
  const readers = await Readers.connect({ urlOf, clients: 12, users });
  const publishers = new Publishers({ urlOf, publishers: 4, users });
  await until(() => publishers.acknowledged >= 400);
  const stored = await publishers.end();
  expect(stored.every(({ eventId }) => isNow(Number(eventId.split("-")[0]), beganAt))).toBe(true);
  expect(await readers.faults(stored)).toEqual([]);
  readers.close();
});
