/** The SDK in Node.js against the real server, over a line that is cut. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { Broadtape, MarketDataClient } from "@broadtape/client";
import { Line } from "./line.ts";
import { type TestServer, bestPrice, publish, startTestServer, token, until } from "./server.ts";

let server: TestServer;
const open: { close(): unknown }[] = [];
beforeAll(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
afterAll(() => server.remove());

async function openLine(): Promise<Line> {
  const line = await Line.open(() => server.url);
  open.push(line);
  return line;
}

async function tapeOver(line: Line, options: Partial<ConstructorParameters<typeof Broadtape>[0]> = {}): Promise<Broadtape> {
  const tape = new Broadtape({ url: line.url, token: () => token({ sub: "ann" }), reconnectionDelay: 20, ...options });
  open.push(tape);
  await until(() => tape.status.get().state === "live" || tape.status.get().state === "closed");
  return tape;
}

const bidOf = (price: unknown) => (price as { bestBid?: { price: number } } | null | undefined)?.bestBid?.price;

it.each(["websocket", "sse"] as const)("follows, is cut, and has the newest value again: %s", async (transport) => {
  const line = await openLine();
  const symbol = `CUT-${transport}`;
  const tape = await tapeOver(line, { transport });
  const view = tape.view(`symbol:${symbol}`);
  view.subscribe(() => undefined);
  const bids: unknown[] = [];
  const { ready } = tape.follow(`symbol:${symbol}`, { onEvent: ({ data }) => bids.push(bidOf(data)) });
  expect(await ready).toEqual({ topic: `symbol:${symbol}`, ok: true });
  for (let round = 1; round <= 5; round++) {
    await publish(server.url, bestPrice(symbol, String(round), "100"));
    await until(() => bidOf(view.get()) === round);
    line.isDown = round % 2 === 0;
    line.cut();
    await until(() => tape.status.get().state !== "live");
    await publish(server.url, bestPrice(symbol, String(round + 0.5), "100"));
    line.isDown = false;
    await until(
      () => tape.status.get().state === "live" && bidOf(view.get()) === round + 0.5,
      () => [tape.status.get(), view.get()],
    );
  }
  // Never an older one after a newer one, and none twice.
  expect(bids).toEqual([...new Set(bids)].sort((a, b) => Number(a) - Number(b)));
});

it("falls back on event streams where WebSocket is blocked", async () => {
  const line = await openLine();
  const { WebSocket: native } = globalThis;
  globalThis.WebSocket = class extends native {
    constructor() {
      super("ws://127.0.0.1:9/");
    }
  };
  try {
    const tape = await tapeOver(line);
    const view = tape.view("symbol:BLOCKED");
    view.subscribe(() => undefined);
    await publish(server.url, bestPrice("BLOCKED", "5", "6"));
    await until(() => bidOf(view.get()) === 5);
  } finally {
    globalThis.WebSocket = native;
  }
});

it("goes on with a fresh token before the old one ends, without a cut", async () => {
  const line = await openLine();
  let fetched = 0;
  const states: string[] = [];
  const tape = await tapeOver(line, {
    token: () => {
      fetched += 1;
      return token({ sub: "ann", ttlMs: fetched === 1 ? 3000 : 600_000 });
    },
  });
  tape.status.subscribe(() => states.push(tape.status.get().state));
  await until(() => fetched === 2);
  await publish(server.url, bestPrice("FRESH", "1", "2"));
  const view = tape.view("symbol:FRESH");
  view.subscribe(() => undefined);
  await until(() => bidOf(view.get()) === 1);
  expect(states).toEqual([]);
});

it("closes with the reason where the token is no good", async () => {
  const line = await openLine();
  const tape = await tapeOver(line, { token: "nonsense" });
  expect(tape.status.get()).toMatchObject({ state: "closed", reason: "AUTH_FAILED" });
});

it("serves the market-data client through a restart of the server", async () => {
  const line = await openLine();
  await publish(server.url, bestPrice("REST", "1", "2"));
  const tape = await tapeOver(line);
  const prices = new MarketDataClient({ tape });
  const bids: unknown[] = [];
  const result = await prices.subscribe(["REST", "no such\u0000symbol"], ({ bestBid }) => bids.push(bestBid?.price));
  expect(result).toEqual({ subscribed: ["REST"], errors: ["no such\u0000symbol: invalid symbol"] });
  await until(() => bids.at(-1) === 1);
  await server.kill("SIGKILL");
  server = await server.restart();
  await publish(server.url, bestPrice("REST", "3", "4"));
  await until(() => bids.at(-1) === 3 && prices.isConnected());
  expect(await prices.unsubscribe(["REST"])).toEqual({ unsubscribed: ["REST"] });
});
