/** Contract 00-common "Delivery classes", 30-transactions: peers that are slow, silent, or gone; pings; the server's end. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { type TestServer, startTestServer, token, until } from "../server.ts";
import { type FeedClient, FEED, feedClients, payment, payments, tell } from "./feed-client.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    env: {
      BROADTAPE_LIMIT_HEARTBEAT_MS: "100",
      BROADTAPE_LIMIT_SLOW_CONSUMER_MS: "3000",
      BROADTAPE_LIMIT_TRANSACTIONS_IDLE_MS: "4000",
      BROADTAPE_LIMIT_UNSENT_BYTES: "65536",
      BROADTAPE_LIMIT_BEHIND_BYTES: "16384",
    },
  });
});
afterAll(() => server.remove());
const { plain, named, end } = feedClients(() => server);
afterEach(end);
let last = 0;
const newUser = () => `user-${++last}`;

const OPEN: readonly (readonly [string, (sub: string, query?: Record<string, string>) => Promise<FeedClient>])[] = [
  ["a plain WebSocket", (sub, query = {}) => plain({ sub }, `?${new URLSearchParams(query).toString()}`)],
  ["Socket.IO", (sub, query = {}) => named({ sub }, query)],
];

describe.each(OPEN)("over %s", (_surface, open) => {
  it("pings say the newest event that the client was sent, or passed", async () => {
    const sub = newUser();
    const client = await open(sub);
    await client.subscribe();
    const [eventId] = await tell(server, payments(sub, ["t"]));
    await until(
      () => client.all("ping").find(({ lastEventId }) => lastEventId === eventId),
      () => client.all("ping"),
    );
    expect(client.all("ping")[0]).toEqual({ type: "ping", timestamp: expect.any(String), lastEventId: expect.any(String) });
    const [, passedBy] = await tell(server, [...payments(`${sub}x`, ["a", "b"])]);
    await until(
      () => client.all("ping").find(({ lastEventId }) => lastEventId === passedBy),
      () => client.all("ping").at(-1),
    );
  });

  it("a client that acknowledges nothing and has a full window is disconnected in the end, and resumes", async () => {
    const sub = newUser();
    const client = await open(sub, { window: "2", clientId: "device" });
    await client.subscribe();
    await tell(server, payments(sub, ["a", "b", "c", "d"]));
    await client.closed;
    expect(client.all("error").map(({ code }) => code)).toEqual(["SLOW_CONSUMER"]);
    expect(client.ids()).toEqual(["a", "b"]);
    const next = await open(sub, { clientId: "device" });
    expect(await next.idsUpTo("d")).toEqual(["a", "b", "c", "d"]);
  });

  it("of many connections of one client at once a single one is left, and it gets everything", async () => {
    const sub = newUser();
    const clients = await Promise.all(Array.from({ length: 8 }, () => open(sub, { clientId: "device", events: "transaction" })));
    const closed = new Set<FeedClient>();
    for (const client of clients) void client.closed.then(() => closed.add(client));
    await until(() => closed.size === 7);
    await tell(server, payments(sub, ["t"]));
    const [left] = clients.filter((client) => !closed.has(client));
    await left?.idsUpTo("t");
    expect(clients.flatMap((client) => client.all("error").map(({ code }) => code))).toEqual(Array.from({ length: 7 }, () => "REPLACED"));
  });
});

/** Connections that the server ended because they were slow. */
async function dropped(): Promise<number> {
  const ofNodes = await Promise.all(server.nodeUrls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
  const counts = ofNodes.join("\n").matchAll(/dropped_connections_total\{code="SLOW_CONSUMER"\} (\d+)/g);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

const LARGE = { description: `"${"x".repeat(1000)}"` };

describe("a client that does not read", () => {
  it("holds up nobody, is disconnected in the end, and resumes without a gap", async () => {
    const sub = newUser();
    const before = await dropped();
    const slow = await plain({ sub }, "?clientId=slow&window=10000");
    const fast = await plain({ sub }, "?ack=none");
    for (const each of [slow, fast]) await each.subscribe();
    slow.socket.pause();
    const ids = Array.from({ length: 20_000 }, (_, index) => `t${index}`);
    for (let from = 0; from < ids.length; from += 500)
      await tell(
        server,
        ids.slice(from, from + 500).map((id) => payment(sub, id, LARGE)),
      );
    expect(await fast.idsUpTo("t19999")).toEqual(ids);
    await until(async () => (await dropped()) > before);
    slow.socket.resume();
    await slow.closed;
    const told = new Set(slow.ids());
    expect(slow.ids()).toEqual(ids.slice(0, told.size));
    const next = await plain({ sub }, "?clientId=slow&ack=none");
    await next.idsUpTo("t19999");
    const pendingFrom = ids.indexOf(next.ids()[0] ?? "");
    expect(pendingFrom).toBeLessThanOrEqual(told.size);
    expect(next.ids()).toEqual(ids.slice(pendingFrom));
  });

  it("and does not even answer pings is closed as stale; one that answers them is kept", async () => {
    const headers = { authorization: `Bearer ${await token({ sub: newUser() })}` };
    const silent = new WebSocket(`${server.url.replace("http", "ws")}${FEED}`, { headers, autoPong: false });
    const kept = await plain({ sub: newUser() });
    await new Promise((resolve) => silent.once("close", resolve));
    await kept.first("ping", kept.all("ping").length + 10);
    expect(kept.socket.readyState).toBe(WebSocket.OPEN);
  });
});

it("tells every client at its end when to come back, and keeps their places", async () => {
  const sub = newUser();
  const clients = [await plain({ sub }, "?clientId=a"), await named({ sub }, { clientId: "b" })];
  for (const client of clients) await client.subscribe();
  const [eventId] = await tell(server, payments(sub, ["acked", "pending"]));
  for (const client of clients) {
    await client.idsUpTo("pending");
    client.say({ type: "ack", eventId });
    await client.subscribe();
  }
  expect(await server.kill("SIGTERM")).toBe(0);
  for (const client of clients) {
    await client.closed;
    expect(client.all("error")).toEqual([
      { type: "error", code: "SHUTTING_DOWN", message: expect.any(String), reconnectAfterMs: expect.any(Number) },
    ]);
  }
  server = await server.restart();
  const again = [await plain({ sub }, "?clientId=a"), await named({ sub }, { clientId: "b" })];
  await tell(server, payments(sub, ["new"]));
  for (const client of again) expect(await client.idsUpTo("new")).toEqual(["pending", "new"]);
});
