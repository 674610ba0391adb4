/** Contract 20-rfq over Socket.IO with stock clients. */
import { io as ioNow, type Socket } from "socket.io-client";
import { io as io40 } from "socket.io-client-4-0";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, publish, startTestServer, token, until } from "./server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_RFQS_PER_CLIENT: "3" } });
});
afterAll(() => server.remove());
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

type Body = Record<string, unknown>;

interface Client {
  readonly told: [name: string, body: Body][];
  all(name: string): Body[];
  ask(name: string, body?: unknown): Promise<Body>;
}

async function connect(
  claims: Parameters<typeof token>[0] & { team?: string[] } = { sub: "ann" },
  io: typeof ioNow = ioNow,
): Promise<Client> {
  const socket = io(`${server.url}/rfq`, { auth: { token: await token(claims) }, forceNew: true, reconnection: false });
  sockets.push(socket);
  const told: Client["told"] = [];
  socket.onAny((name: string, body: Body) => told.push([name, body]));
  const client: Client = {
    told,
    all: (name) => told.filter(([each]) => each === name).map(([, body]) => body),
    ask: (name, body) => new Promise((resolve) => (body === undefined ? socket.emit(name, resolve) : socket.emit(name, body, resolve))),
  };
  await until(() => client.all("connected")[0]);
  return client;
}

const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
let last = 0;

/** Publishes an event of an RFQ; returns the answer. */
async function say(type: string, rfqId: string, data: Body = {}, more: Body = {}) {
  return publish(server.url, { type, data: { rfqId, ...data }, ...more });
}

async function newRfq({
  traderId = "ann",
  side = "buy",
  expiresAt = inSeconds(600),
}: { traderId?: string; side?: string; expiresAt?: string } = {}) {
  const rfqId = `rfq-${++last}`;
  const { status, text } = await say("rfq.created", rfqId, { traderId, symbol: "EUR/USD", side, quantity: 1_000_000, expiresAt });
  expect({ status, text }).toMatchObject({ status: 200 });
  return rfqId;
}

const quote = (rfqId: string, quoteId: string, data: Body = {}) =>
  say("quote.received", rfqId, { quoteId, lpId: `lp-${quoteId}`, lpName: "An LP", status: "valid", ...data });

describe("an event that stands on two of a client's topics", () => {
  it.each([[["subscribe:rfq", "subscribe:trader"]], [["subscribe:trader", "subscribe:rfq"]]])(
    "is told once, though both are resumed one after the other: %o",
    async (commands) => {
      const rfqId = await newRfq();
      const { eventId } = (await (await connect()).ask("subscribe:rfq", { rfqId })) as { eventId: string };
      await quote(rfqId, "q", { askPrice: 1 });
      await say("rfq.cancelled", rfqId, { reason: "no need" });
      const client = await connect();
      await Promise.all(commands.map((command) => client.ask(command, { rfqId, traderId: "ann", after: eventId })));
      await say("rfq.created", `${rfqId}-next`, {
        traderId: "ann",
        symbol: "EUR/USD",
        side: "buy",
        quantity: 1,
        expiresAt: inSeconds(600),
      });
      await until(() => client.all("rfq:created").find((body) => body["rfqId"] === `${rfqId}-next`));
      expect(
        client.told
          .filter(([, body]) => body["rfqId"] === rfqId)
          .map(([name]) => name)
          .toSorted(),
      ).toEqual(["quote:received", "rfq:cancelled"]);
    },
  );
});

describe.each([
  ["4.8", ioNow],
  ["4.0", io40],
])("socket.io-client %s", (_version, io) => {
  it("answers with the state, tells each step once, and ends", async () => {
    const client = await connect({ sub: "ann" }, io);
    expect(await client.ask("subscribe:trader")).toMatchObject({ success: true });
    const rfqId = await newRfq();
    await until(() => client.all("rfq:created")[0]);
    expect(client.all("rfq:created")).toEqual([
      {
        rfqId,
        symbol: "EUR/USD",
        side: "buy",
        quantity: 1_000_000,
        status: "pending",
        expiresAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
        serverTime: expect.any(Number),
        eventId: expect.any(String),
      },
    ]);
    const answer = await client.ask("subscribe:rfq", { rfqId });
    expect(answer).toEqual({
      success: true,
      rfq: {
        rfq: {
          id: rfqId,
          status: "pending",
          symbol: "EUR/USD",
          side: "buy",
          quantity: 1_000_000,
          expiresAt: expect.any(String),
          timeRemaining: expect.toSatisfy((left: number) => left >= 595 && left <= 600),
        },
        quotes: [],
        composite: { quoteCount: 0 },
      },
      eventId: client.all("rfq:created")[0]?.["eventId"],
      serverTime: expect.any(Number),
    });
    await say("rfq.validated", rfqId);
    await say("rfq.distributed", rfqId, { lpCount: 4 });
    await quote(rfqId, "q1", { bidPrice: 1.1, askPrice: 1.2 });
    await quote(rfqId, "q2", { askPrice: "1.1950" });
    await say("rfq.quoted", rfqId);
    await say("quotes.ranked", rfqId, { rankings: [{ quoteId: "q2", ranking: 1, isBestBid: false, isBestAsk: true }] });
    await say("quote.expired", rfqId, { quoteId: "q1", lpId: "lp-q1" });
    await say("rfq.filled", rfqId, { tradeId: "t1", price: 1.195, quantity: 1_000_000 });
    await until(() => client.all("rfq:filled")[0]);
    const steps = client.told.filter(([name]) => !["connected", "rfq:countdown", "heartbeat"].includes(name));
    const eventId = expect.stringMatching(/^\d+-[0-9a-z]{9,}$/);
    expect(steps.slice(1)).toEqual([
      ["rfq:status", { rfqId, status: "validated", eventId }],
      ["rfq:distributed", { rfqId, status: "distributed", lpCount: 4, eventId }],
      ["quote:received", { rfqId, quoteId: "q1", lpId: "lp-q1", lpName: "An LP", bidPrice: 1.1, askPrice: 1.2, status: "valid", eventId }],
      ["quote:received", { rfqId, quoteId: "q2", lpId: "lp-q2", lpName: "An LP", askPrice: "1.1950", status: "valid", eventId }],
      ["rfq:status", { rfqId, status: "quoted", eventId }],
      ["quotes:ranked", { rfqId, rankings: [{ quoteId: "q2", ranking: 1, isBestBid: false, isBestAsk: true }], eventId }],
      ["quote:expired", { rfqId, quoteId: "q1", lpId: "lp-q1", eventId }],
      ["rfq:filled", { rfqId, symbol: "EUR/USD", tradeId: "t1", price: 1.195, quantity: 1_000_000, eventId }],
    ]);
    expect(await client.ask("unsubscribe:rfq", { rfqId })).toEqual({ success: true });
  });
});

describe("state", () => {
  it("ranks by the trader's side, and composes what is valid, zero and negative prices included", async () => {
    const rfqId = await newRfq({ side: "sell" });
    await quote(rfqId, "a", { bidPrice: -0.5, askPrice: 1 });
    await quote(rfqId, "b", { bidPrice: 0, askPrice: 0.25 });
    await quote(rfqId, "c", { bidPrice: 9, status: "rejected" });
    const client = await connect();
    const { rfq } = (await client.ask("subscribe:rfq", { rfqId })) as { rfq: { quotes: Body[]; composite: Body } };
    expect(rfq.quotes.map(({ id, ranking, isBestBid, isBestAsk }) => [id, ranking, isBestBid, isBestAsk])).toEqual([
      ["b", 1, true, true],
      ["a", 2, false, false],
      ["c", 3, false, false],
    ]);
    expect(rfq.composite).toEqual({ bestBid: 0, bestAsk: 0.25, spread: 0.25, quoteCount: 2 });
  });
});

describe("entitlement", () => {
  it("lets in the trader, the team's reader and the tenant's, and tells others nothing", async () => {
    const rfqId = await newRfq();
    const team = { sub: "lead", permissions: ["rfq:read:team"] };
    for (const [claims, may] of [
      [{ sub: "ann" }, true],
      [{ sub: "risk", permissions: ["rfq:read:tenant"] }, true],
      [team, false],
      [{ sub: "bob" }, false],
      [{ sub: "ann", tenantId: "other" }, false],
    ] as const) {
      const client = await connect(claims);
      const answer = await client.ask("subscribe:rfq", { rfqId });
      expect({ claims, success: answer["success"] }).toEqual({ claims, success: may });
      for (const unknown of ["no-such-rfq", "", "x".repeat(500), "a b", "*"]) {
        const refused = await client.ask("subscribe:rfq", { rfqId: unknown });
        expect(refused).toEqual({ success: false, error: "NOT_AVAILABLE" });
        if (!may) expect(refused).toEqual(answer);
      }
      // In another tenant ann is somebody else, and follows herself.
      expect(await client.ask("subscribe:trader", { traderId: "ann" })).toMatchObject({ success: may || claims.sub === "ann" });
      for (const bad of [undefined, null, 5, {}, { rfqId: 5 }])
        expect(await client.ask("subscribe:rfq", bad)).toMatchObject({ success: false });
    }
  });

  it("follows so many RFQs at once, and others when one is let go", async () => {
    const client = await connect();
    const ids = [await newRfq(), await newRfq(), await newRfq(), await newRfq()];
    for (const rfqId of ids.slice(0, 3)) expect(await client.ask("subscribe:rfq", { rfqId })).toMatchObject({ success: true });
    const [first, , , fourth] = ids;
    expect(await client.ask("subscribe:rfq", { rfqId: fourth })).toEqual({ success: false, error: "LIMIT_REACHED" });
    expect(await client.ask("subscribe:rfq", { rfqId: first })).toMatchObject({ success: true });
    await client.ask("unsubscribe:rfq", { rfqId: first });
    expect(await client.ask("subscribe:rfq", { rfqId: fourth })).toMatchObject({ success: true });
  });
});

describe("countdown", () => {
  it("runs while quotes may come, follows an extension at once, shows zero once, and then stops", async () => {
    const client = await connect();
    const rfqId = await newRfq({ expiresAt: inSeconds(60) });
    await client.ask("subscribe:rfq", { rfqId });
    await say("rfq.validated", rfqId);
    expect(client.all("rfq:countdown")).toEqual([]);
    await say("rfq.distributed", rfqId, { lpCount: 1 });
    await until(() => client.all("rfq:countdown")[0]);
    expect(client.all("rfq:countdown")[0]).toEqual({
      rfqId,
      timeRemaining: expect.toSatisfy((left: number) => left >= 55),
      expiresAt: expect.any(String),
    });
    const end = Date.now() + 2500;
    await say("rfq.extended", rfqId, { newExpiresAt: new Date(end).toISOString() });
    const seconds = () =>
      client.all("rfq:countdown").flatMap(({ expiresAt, timeRemaining }) => (Date.parse(String(expiresAt)) === end ? [timeRemaining] : []));
    await until(
      () => seconds().includes(0),
      () => client.told,
    );
    expect(Date.now()).toBeGreaterThanOrEqual(end - 5);
    const counted = seconds();
    await say("rfq.expired", rfqId);
    await until(() => client.all("rfq:expired")[0]);
    expect(seconds()).toEqual(counted);
    // At once, and then each second; one that passed before the server heard of it is not among them.
    expect(counted).toEqual([2, 1, 0].filter((second) => counted.includes(second)));
    expect(counted.at(-1)).toBe(0);
  });
});

describe("publishing", () => {
  const refused = async (answer: ReturnType<typeof say>) => {
    const { status, body } = await answer;
    expect(status).toBe(422);
    return body.errors[0];
  };

  it("refuses what contradicts the log, with the reason and the offset of the state", async () => {
    expect(await refused(say("rfq.validated", "never"))).toMatchObject({ path: "data.rfqId", message: "there is no RFQ never" });
    const rfqId = await newRfq();
    const again = { traderId: "ann", symbol: "EUR/USD", side: "buy", quantity: 1, expiresAt: inSeconds(60) };
    expect(await refused(say("rfq.created", rfqId, again))).toMatchObject({
      message: expect.stringContaining("created before"),
      offset: expect.any(Number),
    });
    await say("rfq.quoted", rfqId);
    expect(await refused(say("rfq.validated", rfqId))).toMatchObject({ message: expect.stringContaining("quoted") });
    expect(await refused(say("quote.expired", rfqId, { quoteId: "none", lpId: "x" }))).toMatchObject({ path: "data.quoteId" });
    await say("rfq.cancelled", rfqId, { reason: "no longer" });
    for (const type of ["rfq.quoted", "rfq.expired"])
      expect(await refused(say(type, rfqId))).toMatchObject({ message: expect.stringContaining("cancelled") });
  });

  it("answers an exact repetition as a duplicate, also of what is over", async () => {
    const rfqId = `rfq-${++last}`;
    const created = { traderId: "ann", symbol: "EUR/USD", side: "buy", quantity: 1, expiresAt: inSeconds(60) };
    const batch = [
      { type: "rfq.created", id: `${rfqId}/1`, source: "desk", data: { rfqId, ...created } },
      { type: "rfq.validated", id: `${rfqId}/2`, source: "desk", data: { rfqId } },
      { type: "rfq.cancelled", id: `${rfqId}/3`, source: "desk", data: { rfqId, reason: "x" } },
    ];
    const first = await publish(server.url, batch);
    expect(first.body.results.map(({ duplicate }) => duplicate)).toEqual([false, false, false]);
    const second = await publish(server.url, batch);
    expect(second.body.results).toEqual(first.body.results.map((result) => ({ ...result, duplicate: true })));
  });

  it("admits a burst of one RFQ in the order of its requests, however they overlap", async () => {
    const rfqId = await newRfq();
    const answers = await Promise.all([
      say("rfq.validated", rfqId),
      say("rfq.cancelled", rfqId, { reason: "x" }),
      say("rfq.quoted", rfqId),
      newRfq(),
    ]);
    const statuses = answers.slice(0, 3).map((answer) => (answer as { status: number }).status);
    // Whichever came first over the network: exactly those after the cancellation are refused.
    expect(statuses[1]).toBe(200);
    const { text } = await (
      await fetch(`${server.url}/api/v1/topics/rfq:${rfqId}/events`, {
        headers: { authorization: `Bearer ${await token({ sub: "ann" })}` },
      })
    )
      .json()
      .then((page: unknown) => ({ text: JSON.stringify(page) }));
    const types = [...text.matchAll(/"event":"([a-z.]+)"/g)].map(([, type]) => type);
    expect(types.at(-1)).toBe("rfq.cancelled");
    expect(types.length).toBe(1 + statuses.filter((status) => status === 200).length);
  });
});

describe("resume", () => {
  it("tells what was missed in order, then answers with the state as of now, over a kill of the server", async () => {
    const before = await connect();
    const rfqId = await newRfq();
    const { eventId } = await before.ask("subscribe:rfq", { rfqId });
    await say("rfq.distributed", rfqId, { lpCount: 2 });
    for (let count = 1; count <= 50; count++) await quote(rfqId, `q${count % 5}`, { askPrice: count });
    await server.kill("SIGKILL");
    server = await server.restart();
    const client = await connect();
    const answer = (await client.ask("subscribe:rfq", { rfqId, after: eventId })) as { rfq: { composite: Body }; eventId: string };
    const told = client.told.filter(([name]) => name !== "connected" && name !== "rfq:countdown");
    expect(told.map(([name]) => name)).toEqual(["rfq:distributed", ...Array.from({ length: 50 }, () => "quote:received")]);
    expect(told.at(-1)?.[1]).toMatchObject({ askPrice: 50, eventId: answer.eventId });
    expect(answer.rfq.composite).toMatchObject({ quoteCount: 5, bestAsk: 46 });
    expect(await (await connect()).ask("subscribe:rfq", { rfqId, after: "nonsense" })).toMatchObject({ success: true });
  });
});
