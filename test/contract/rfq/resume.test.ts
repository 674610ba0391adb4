/** Contract 00-common "Event ids, order, resume", 70-details "`after`", "malformed cursor", on `/rfq`. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer } from "../server.ts";
import {
  type RfqClient,
  type Step,
  cancel,
  chances,
  create,
  distribute,
  lapse,
  quote,
  rank,
  rfqClients,
  say,
  tell,
  upToNow,
} from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { connect, end } = rfqClients(() => server);
afterEach(end);
let last = 0;
const newId = () => `a-${++last}`;
const idsOf = (steps: readonly Step[]) => steps.map(([, body]) => String(body["eventId"]));
const fill = (rfqId: string) => say("rfq.filled", rfqId, { tradeId: "t", price: 1, quantity: 1 });

describe("subscribe:rfq {after}", () => {
  it("tells from any point what came after it, in order, then answers with the state of now", async () => {
    const rfqId = newId();
    const events = [
      create(rfqId),
      distribute(rfqId),
      quote(rfqId, "a", { askPrice: 1 }),
      rank(rfqId, [["a", 1]]),
      lapse(rfqId, "a"),
      fill(rfqId),
    ];
    const ids: string[] = [];
    for (const event of events) ids.push(...(await tell(server, [event, create(newId())])).slice(0, 1));
    const whole = await (await connect()).follow(rfqId);
    for (const [index, after] of ids.entries()) {
      const client = await connect();
      let toldBefore = -1;
      const answer = await client.follow(rfqId, after).finally(() => (toldBefore = client.steps().length));
      expect(idsOf(client.steps())).toEqual(ids.slice(index + 1));
      expect(toldBefore).toBe(ids.length - index - 1);
      const { rfq } = whole.rfq;
      expect(answer).toMatchObject({ eventId: whole.eventId, rfq: { ...whole.rfq, rfq: { ...rfq, timeRemaining: expect.any(Number) } } });
      expect(client.all("resync")).toEqual([]);
    }
  });

  it("goes on from the cursor of another RFQ, of the trader's feed, of a heartbeat's or of an event one may not see", async () => {
    const rfqId = newId();
    const [foreign] = await tell(server, [create(newId(), { traderId: "bob" })]);
    const [elsewhere] = await tell(server, [create(newId())], "other");
    const feed = (await (await connect()).ask("subscribe:trader"))["eventId"];
    await tell(server, [create(rfqId), distribute(rfqId)]);
    for (const after of [foreign, elsewhere, feed]) {
      const client = await connect();
      await client.follow(rfqId, after);
      expect({ after, told: client.steps().map(([name]) => name) }).toEqual({ after, told: ["rfq:distributed"] });
    }
  });

  it.each(["", "nonsense", "0-0", "1-zzzzzzzzz", "EV-0000000000000001", "EV-ffffffffffffffff", "9".repeat(30_000), "１-000000000"])(
    "%j is unknown: resync, then the state, then what comes",
    async (after) => {
      const rfqId = newId();
      await tell(server, [create(rfqId), quote(rfqId, "q", { askPrice: 1 })]);
      const client = await connect();
      const answer = await client.follow(rfqId, after);
      expect(answer.rfq.composite).toEqual({ bestAsk: 1, quoteCount: 1 });
      expect(client.steps().map(([name]) => name)).toEqual(["resync"]);
      expect(client.all("resync")[0]).toMatchObject({ reason: "unknown" });
      await tell(server, [cancel(rfqId)]);
      await client.first("rfq:cancelled");
      expect(client.steps(rfqId).length).toBe(1);
    },
  );

  it("of another life of the log is unknown, though its offset exists again", async () => {
    const other = await startTestServer();
    try {
      const rfqId = newId();
      await tell(server, [create(rfqId)]);
      const foreign = await tell(
        other,
        Array.from({ length: 5 }, () => create(newId())),
      );
      const client = await connect();
      await client.follow(rfqId, foreign.at(-1));
      expect(client.all("resync")).toMatchObject([{ reason: "unknown" }]);
    } finally {
      await other.remove();
    }
  });
});

describe("both topics at once", () => {
  it.each([
    ["subscribe:rfq", "subscribe:trader"],
    ["subscribe:trader", "subscribe:rfq"],
  ])("resumed by %s, %s: each event once, in the log's order on each, and everything that comes once", async (...commands) => {
    const [rfqId, other] = [newId(), newId()];
    const [after] = await tell(server, [create(rfqId)]);
    await tell(server, [distribute(rfqId), create(other), quote(rfqId, "q", { askPrice: 1 }), cancel(other), say("rfq.quoted", rfqId)]);
    const client = await connect();
    const going = commands.map((command) => client.ask(command, { rfqId, after }));
    const live = tell(server, [quote(rfqId, "r", { askPrice: 2 }), fill(rfqId)]);
    for (const answer of await Promise.all(going)) expect(answer).toMatchObject({ success: true });
    await live;
    await upToNow(server, client);
    const names = (id: string) => client.steps(id).map(([name]) => name);
    const sorted = names(rfqId).toSorted();
    expect(sorted).toEqual(["quote:received", "quote:received", "rfq:distributed", "rfq:filled", "rfq:status"]);
    expect(names(other)).toEqual(["rfq:created", "rfq:cancelled"]);
    expect(new Set(idsOf(client.steps())).size).toBe(client.steps().length);
  });

  it("told once to a client that subscribes, lets go and subscribes again without a cursor", async () => {
    const rfqId = newId();
    await tell(server, [create(rfqId)]);
    const client = await connect();
    await client.ask("subscribe:trader");
    for (let times = 0; times < 5; times++) {
      await client.follow(rfqId);
      await client.ask("unsubscribe:rfq", { rfqId });
    }
    await client.follow(rfqId);
    await tell(server, [quote(rfqId, "q"), fill(rfqId)]);
    await upToNow(server, client);
    expect(client.steps(rfqId).map(([name]) => name)).toEqual(["quote:received", "rfq:filled"]);
  });
});

describe.each(["SIGTERM", "SIGKILL"] as const)("a server that ends with %s in the middle of lifecycles", (signal) => {
  it("has told nothing that it does not know afterwards, and tells the rest to those who resume", async () => {
    const chance = chances(7);
    const ids = Array.from({ length: 8 }, newId);
    const [start = ""] = await tell(
      server,
      ids.map((id) => create(id)),
    );
    const watch = async (after?: string): Promise<RfqClient> => {
      const client = await connect();
      for (const id of ids) await client.follow(id, after);
      return client;
    };
    const first = await watch();
    const accepted: string[] = [];
    const publishing = (async () => {
      for (let count = 0; ; count++) {
        const rfqId = ids[chance(ids.length)] ?? "";
        const events = [quote(rfqId, `q${chance(4)}`, { askPrice: count }), quote(rfqId, "x", { bidPrice: count })];
        const told = await tell(server, events).catch(() => undefined);
        if (told === undefined) return;
        accepted.push(...told);
      }
    })();
    await first.first("quote:received", 40);
    await server.kill(signal);
    await publishing;
    await first.closed;
    server = await server.restart();
    await tell(
      server,
      ids.map((id) => cancel(id)),
    );
    const told = idsOf(first.steps().filter(([name]) => name === "quote:received"));
    const resumed = await watch(told.at(-1));
    const whole = await watch(start);
    const all = idsOf(whole.steps().filter(([name]) => name === "quote:received"));
    expect([...accepted, ...told].filter((id) => !all.includes(id))).toEqual([]);
    const both = [...told, ...idsOf(resumed.steps().filter(([name]) => name === "quote:received"))];
    expect(both.toSorted()).toEqual(all.toSorted());
    expect(resumed.all("rfq:cancelled").length).toBe(ids.length);
    expect(resumed.all("resync")).toEqual([]);
    for (const rfqId of ids) {
      const quotes = whole
        .steps(rfqId)
        .filter(([name]) => name === "quote:received")
        .map(([, body]) => body);
      const { rfq } = await whole.follow(rfqId);
      for (const { id, askPrice, bidPrice } of rfq.quotes)
        expect({ id, askPrice, bidPrice }).toEqual({
          id,
          ...(({ askPrice: ask, bidPrice: bid }) => ({ askPrice: ask, bidPrice: bid }))(
            quotes.findLast(({ quoteId }) => quoteId === id) ?? {},
          ),
        });
    }
  });
});
