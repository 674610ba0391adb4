/** What the SDK promises of lossless topics, over a line that is cut, a server that restarts and tokens that end. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { Broadtape, type BroadtapeOptions } from "@broadtape/client";
import { Line } from "./line.ts";
import { type TestServer, publish, startTestServer, token, until } from "./server.ts";

let server: TestServer;
let line: Line;
let tape: Broadtape | undefined;
beforeAll(async () => {
  server = await startTestServer();
  line = await Line.open(() => server.url);
});
afterEach(() => {
  tape?.close();
  tape = undefined;
});
afterAll(async () => {
  line.close();
  await server.remove();
});

function openTape(options: BroadtapeOptions): Broadtape {
  tape = new Broadtape({ url: line.url, token: () => token({ sub: "ann" }), reconnectionDelay: 20, ...options });
  return tape;
}

/** Publishes and returns the ids under which it stands in the log. */
async function say(type: string, rfqId: string, data: object): Promise<string[]> {
  const { status, body, text } = await publish(server.url, { type, data: { rfqId, ...data } });
  if (status !== 200) throw new Error(text);
  return body.results.map(({ eventId }) => eventId);
}

async function create(rfqId: string): Promise<string> {
  const expiresAt = new Date(Date.now() + 600_000).toISOString();
  const [id = ""] = await say("rfq.created", rfqId, { traderId: "ann", symbol: "EUR/USD", side: "buy", quantity: 5, expiresAt });
  return id;
}

let quotes = 0;
function quote(rfqId: string): Promise<string[]> {
  quotes += 1;
  return say("quote.received", rfqId, { quoteId: `q${quotes}`, lpId: `lp${quotes}`, bidPrice: quotes, askPrice: quotes, status: "valid" });
}

/** Follows an RFQ and keeps what it is told of the log. */
function listen(rfqId: string, after?: string) {
  const told: string[] = [];
  const resyncs: string[] = [];
  const { ready } = (tape ?? openTape({})).follow<string>(
    `rfq:${rfqId}`,
    {
      // Ticks of the countdown are no events of the log.
      onEvent: ({ event, eventId }) => {
        if (event === "quote.received" && eventId !== undefined) told.push(eventId);
      },
      onResync: (reason) => resyncs.push(reason),
    },
    { after },
  );
  return { told, resyncs, ready };
}

it.each(["websocket", "sse"] as const)("tells every event once and in order through cuts and restarts: %s", async (transport) => {
  const rfqId = `cut-${transport}`;
  await create(rfqId);
  openTape({ transport });
  const { told, resyncs, ready } = listen(rfqId);
  expect(await ready).toMatchObject({ ok: true });
  const published: string[] = [];
  for (let round = 0; round < 12; round++) {
    published.push(...(await quote(rfqId)));
    if (round % 2 === 0) line.cut();
    published.push(...(await quote(rfqId)), ...(await quote(rfqId)));
    if (round % 4 !== 3) continue;
    await server.kill(round === 3 ? "SIGKILL" : "SIGTERM");
    server = await server.restart();
  }
  await until(
    () => told.length >= published.length,
    () => [tape?.status.get(), told.length, published.length],
  );
  expect(told).toEqual(published);
  expect(resyncs).toEqual([]);
});

it("brings what came since a cursor of one's own", async () => {
  const cursor = await create("since");
  const published = [...(await quote("since")), ...(await quote("since"))];
  openTape({});
  const { told, ready } = listen("since", cursor);
  expect(await ready).toMatchObject({ ok: true });
  published.push(...(await quote("since")));
  await until(
    () => told.length >= 3,
    () => told,
  );
  expect(told).toEqual(published);
});

it("tells of a cursor that nobody can resume from, and begins anew", async () => {
  await create("anew");
  openTape({});
  const { told, resyncs, ready } = listen("anew", "1700000000000-zzzz0000000001");
  expect(await ready).toMatchObject({ ok: true });
  const published = await quote("anew");
  await until(() => told.length === 1);
  expect([told, resyncs]).toEqual([published, ["unknown"]]);
});

it.each(["websocket", "sse"] as const)("goes on with fresh tokens past the end of the old ones, without a cut: %s", async (transport) => {
  const rfqId = `token-${transport}`;
  await create(rfqId);
  const expiresAt = Date.now() + 3000;
  let fetched = 0;
  const own = openTape({
    transport,
    token: () => {
      fetched += 1;
      return token({ sub: "ann", ttlMs: fetched === 1 ? expiresAt - Date.now() : 600_000 });
    },
  });
  const { told, ready } = listen(rfqId);
  expect(await ready).toMatchObject({ ok: true });
  const states: string[] = [];
  own.status.subscribe(() => states.push(own.status.get().state));
  const published = await quote(rfqId);
  await until(() => Date.now() > expiresAt + 1000);
  published.push(...(await quote(rfqId)));
  await until(() => told.length === 2);
  expect([told, states, fetched]).toEqual([published, [], 2]);
});

it.each(["websocket", "sse"] as const)("closes with the reason when a token ends that cannot be replaced: %s", async (transport) => {
  const own = openTape({ transport, token: await token({ sub: "ann", ttlMs: 3000 }) });
  await until(() => own.status.get().state === "live");
  await until(() => own.status.get().state === "closed");
  expect(own.status.get().reason).toBe("TOKEN_EXPIRED");
});

it("refuses a topic of somebody else, and the others go on", async () => {
  await create("own");
  openTape({ token: () => token({ sub: "bob", tenantId: "other" }) });
  expect(await listen("own").ready).toMatchObject({ ok: false, code: "FORBIDDEN" });
  expect(await tape?.follow("symbol:EURUSD", {}).ready).toEqual({ topic: "symbol:EURUSD", ok: true });
});
