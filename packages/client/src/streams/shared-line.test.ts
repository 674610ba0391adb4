import { expect, it } from "vitest";
import { idOf, tokenUntil } from "../../testing/fake-environment.ts";
import { FakeBrowser, FakeStreamEnvironment, TIME, turn } from "../../testing/fake-streams.ts";
import { StreamClient, type StreamClientOptions } from "./stream-client.ts";

/** Tabs of one browser, each with its own clock. */
function browser() {
  const all = new FakeBrowser();
  return async (options: Partial<StreamClientOptions> = {}) => {
    const tab = all.open();
    const environment = new FakeStreamEnvironment(tab.tabs);
    const client = new StreamClient({ url: "http://test", stream: "orders", environment, ...options });
    const told: string[] = [];
    client.on("order:update", (message) => told.push("orderId" in message ? message.orderId : "snapshot"));
    await turn();
    const orders = () => client.stores.orders.get().map(({ orderId }) => orderId);
    return { tab, client, environment, told, orders, state: () => client.status.get().state };
  };
}

const line = (orderId: string) => ({ orderId, symbol: "AAPL", status: "open", qty: "1" });
const snapshot = (...ids: readonly string[]) => ({ snapshot: true, orders: ids.map(line) });

it("is one for all tabs: each shows all of it, and a new one what stands", async () => {
  const open = browser();
  const first = await open();
  const second = await open();
  await first.environment.stream.greet();
  await first.environment.stream.tell("order:update", 1, snapshot("o1"));
  const third = await open();
  await first.environment.stream.tell("order:update", 2, line("o2"));
  expect([first, second, third].map((tab) => [tab.environment.streams.length, tab.state(), tab.orders(), tab.told])).toEqual([
    [1, "live", ["o1", "o2"], ["snapshot", "o2"]],
    [0, "live", ["o1", "o2"], ["snapshot", "o2"]],
    [0, "live", ["o1", "o2"], ["o2"]],
  ]);
});

it("goes on in the next tab when the one that has it goes: from where all of them are", async () => {
  const open = browser();
  const tabs = [await open(), await open(), await open()] as const;
  const [first, second, third] = tabs;
  await first.environment.stream.greet();
  await first.environment.stream.tell("order:update", 4, snapshot("o1"));
  first.client.close();
  await turn();
  expect(second.environment.stream.headers["Last-Event-ID"]).toBe(idOf(4));
  expect([second.state(), third.state()]).toEqual(["stale", "stale"]);
  await second.environment.stream.greet();
  await second.environment.stream.tell("order:update", 5, line("o2"));
  expect([first.orders(), second.orders(), third.orders()]).toEqual([["o1"], ["o1", "o2"], ["o1", "o2"]]);
  expect(third.told).toEqual(["snapshot", "o2"]);
  expect([third.state(), third.environment.streams.length]).toEqual(["live", 0]);
});

it("is taken from a tab that was put to sleep, which follows when it wakes", async () => {
  const open = browser();
  const sleeper = await open();
  const other = await open();
  await sleeper.environment.stream.greet();
  await sleeper.environment.stream.tell("order:update", 4, snapshot("o1"));
  // Who is awake answers, however quiet the stream is.
  await other.environment.wait(300_000);
  expect(other.environment.streams.length).toBe(0);
  sleeper.tab.isAsleep = true;
  await other.environment.wait(110_000);
  expect(other.environment.stream.headers["Last-Event-ID"]).toBe(idOf(4));
  expect(sleeper.environment.stream.isAborted).toBe(true);
  sleeper.tab.isAsleep = false;
  await other.environment.stream.greet();
  await other.environment.stream.tell("order:update", 5, line("o2"));
  expect(other.orders()).toEqual(["o1", "o2"]);
  await sleeper.environment.wait(100_000);
  expect([sleeper.orders(), sleeper.environment.streams.length, sleeper.state()]).toEqual([["o1", "o2"], 1, "live"]);
});

it("is closed in all tabs by a limit, and opened again by any", async () => {
  const open = browser();
  const first = await open();
  const second = await open();
  await first.environment.stream.greet();
  await first.environment.stream.say("limit", { reason: "connections", max: 10, reconnect: false });
  expect([first.client.status.get().reason, second.client.status.get().reason]).toEqual(["LIMIT_REACHED", "LIMIT_REACHED"]);
  second.client.connect();
  await turn();
  expect([first.environment.streams.length, second.environment.streams.length]).toEqual([2, 0]);
});

it("is of one user: tabs of others have their own, and so have those that do not say whose they are", async () => {
  const open = browser();
  const counts = [];
  for (const token of [
    tokenUntil(1e13, { sub: "ann" }),
    tokenUntil(2e13, { sub: "ann" }),
    tokenUntil(1e13, { sub: "ben" }),
    () => tokenUntil(1e13, { sub: "ben" }),
    "opaque",
    "opaque",
    undefined,
  ])
    counts.push((await open({ token })).environment.streams.length);
  expect(counts).toEqual([1, 0, 1, 0, 1, 1, 1]);
});

it("begins anew in every tab when somebody else has signed in", async () => {
  const open = browser();
  const first = await open();
  const second = await open();
  await first.environment.stream.greet("ann");
  await first.environment.stream.tell("order:update", 4, snapshot("hers"));
  await first.environment.stream.end();
  await first.environment.wait(10_000);
  await first.environment.stream.greet("ben");
  expect([first.orders(), second.orders()]).toEqual([[], []]);
  await first.environment.wait(60_000);
  expect(first.environment.stream.headers["Last-Event-ID"]).toBeUndefined();
  await first.environment.stream.greet("ben");
  await first.environment.stream.say("order:update", { ...snapshot("his"), eventId: idOf(9), timestamp: TIME }, idOf(9));
  expect([first.orders(), second.orders()]).toEqual([["his"], ["his"]]);
});

it("is not shared by who does not want that, and not closed twice", async () => {
  const open = browser();
  const first = await open({ shared: false });
  const second = await open({ shared: false });
  expect([first.environment.streams.length, second.environment.streams.length]).toEqual([1, 1]);
  const third = await open();
  third.client.close();
  third.client.close();
  await turn();
  expect([third.environment.alarms, third.environment.watchers, third.state()]).toEqual([0, 0, "closed"]);
});
