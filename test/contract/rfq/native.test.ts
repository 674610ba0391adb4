/** Contract 60-native, `rfq:{id}` and `trader:{id}`: the same events and views over Broadtape's own protocol. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type RfqSnapshot, rfqOf, rfqSnapshotOf } from "@broadtape/protocol/products/rfq/messages";
import { type Rfq, foldRfq } from "@broadtape/protocol/products/rfq/state";
import { type Trader, foldTrader } from "@broadtape/protocol/products/rfq/traders";
import { nativeClients } from "../native-client.ts";
import { type TestServer, startTestServer, until } from "../server.ts";
import { type Body, type Claims, bearer, cancel, chances, create, distribute, inSeconds, lapse, quote, rank, say, tell } from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { welcomed, end } = nativeClients(() => server);
afterEach(end);
let last = 0;
const newId = () => `n-${++last}`;

interface NativeEvent {
  readonly topic: string;
  readonly event: string;
  readonly eventId?: string;
  readonly data: Body & { readonly rfqId: string };
}

async function open(claims: Claims = {}) {
  const client = await welcomed({ sub: "ann", ...claims });
  const events = () =>
    client.told.flatMap((each): NativeEvent[] => {
      if (each.type === "batch") return each["events"] as NativeEvent[];
      return each.type === "event" ? [each as unknown as NativeEvent] : [];
    });
  return { ...client, events, lossless: () => events().filter(({ event }) => event !== "rfq.countdown") };
}

interface Got {
  readonly status: number;
  readonly text: string;
  readonly body: { readonly events: readonly NativeEvent[]; readonly state: RfqSnapshot & Trader };
}

async function get(path: string, claims: Claims = {}): Promise<Got> {
  const response = await fetch(`${server.url}/api/v1/topics/${path}`, { headers: { authorization: `Bearer ${await bearer(claims)}` } });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) as Got["body"] };
}

/** All but what the clock changes and the snapshot's own id. */
const still = (state: unknown) =>
  JSON.parse(JSON.stringify(state, (key, value: unknown) => (key === "timeRemaining" || key === "eventId" ? undefined : value))) as unknown;

async function lifecycle(rfqId: string, seed: number): Promise<string[]> {
  const chance = chances(seed);
  const ids = await tell(server, [
    create(rfqId, { side: "two-way", quantity: "5.00" }),
    say("rfq.distributed", rfqId, { lpCount: 2, expiresAt: inSeconds(90) }),
  ]);
  for (let step = 0; step < 12; step++) {
    const id = `q${chance(3)}`;
    const all = [
      quote(rfqId, id, { bidPrice: chance(3), askPrice: [null, 0, 1.5, 2][chance(4)], bidSize: "1.0" }),
      rank(rfqId, [[id, 1 + chance(2), true, true]]),
      say("rfq.extended", rfqId, { newExpiresAt: Date.now() + 60_000 + chance(9999) }),
    ];
    ids.push(
      ...(await tell(server, [
        quote(rfqId, id, { bidPrice: 1 }),
        all[chance(3)] ?? distribute(rfqId),
        ...(chance(4) === 0 ? [lapse(rfqId, id)] : []),
      ])),
    );
  }
  return [
    ...ids,
    ...(await tell(server, [say("rfq.quoted", rfqId), say("rfq.filled", rfqId, { tradeId: "t", price: "1.50", quantity: 5 })])),
  ];
}

describe("history", () => {
  it("pages of any size hold each event once in order, and a snapshot at each cursor is the fold up to it", async () => {
    const rfqId = newId();
    const ids = await lifecycle(rfqId, 3);
    for (const limit of [1, 4, 7, 1000]) {
      const paged: NativeEvent[] = [];
      for (let after: string | undefined; ;) {
        const { body } = await get(`rfq:${rfqId}/events?limit=${limit}${after === undefined ? "" : `&after=${after}`}`);
        expect(body.events.length).toBeLessThanOrEqual(limit);
        paged.push(...body.events);
        if (body.events.length < limit) break;
        after = body.events.at(-1)?.eventId;
      }
      expect(paged.map(({ eventId }) => eventId)).toEqual(ids);
    }
    const { body } = await get(`rfq:${rfqId}/events`);
    const bounded = await get(`rfq:${rfqId}/events?after=${ids[2]}&until=${ids[9]}`);
    expect(bounded.body.events.map(({ eventId }) => eventId)).toEqual(ids.slice(3, 10));
    let rfq: Rfq | undefined;
    let trader: Trader | undefined;
    for (const { event: type, data, eventId = "" } of body.events) {
      rfq = foldRfq(rfq, { type, data });
      trader = foldTrader(trader, { type, data });
      const at = await get(`rfq:${rfqId}/snapshot?at=${eventId}`);
      if (rfq === undefined) throw new Error("nothing was created");
      expect({ type, state: still(at.body.state) }).toEqual({ type, state: still(rfqSnapshotOf(rfq, 0)) });
      const list = await get(`trader:ann/snapshot?at=${eventId}`);
      expect(list.body.state.rfqs.find(({ id }) => id === rfqId)).toEqual(still(trader?.rfqs[0]));
    }
    const now = await get(`rfq:${rfqId}/snapshot`);
    expect(now.body.state.rfq.status).toBe("filled");
  });

  it("and snapshots of what one may not see, of unknown and of malformed RFQs are refused alike", async () => {
    const rfqId = newId();
    const [eventId = ""] = await tell(server, [create(rfqId)]);
    for (const page of ["events", "snapshot", `snapshot?at=${eventId}`]) {
      const answers = await Promise.all(
        [`rfq:${rfqId}`, "rfq:unknown", "trader:ann", "trader:nobody"].map((topic) => get(`${topic}/${page}`, { sub: "bob" })),
      );
      const elsewhere = await get(`rfq:${rfqId}/${page}`, { tenantId: "other", permissions: ["rfq:read:tenant"] });
      for (const { status, text } of [...answers, elsewhere]) {
        expect(status).toBe(answers[0]?.status);
        expect(status).toBeGreaterThanOrEqual(400);
        expect(text.replaceAll(/rfq:[a-z0-9-]+|trader:[a-z]+/g, "topic")).toBe(
          answers[0]?.text.replaceAll(/rfq:[a-z0-9-]+|trader:[a-z]+/g, "topic"),
        );
      }
    }
  });
});

describe("a subscription", () => {
  it("has a snapshot that folds on: live events lead to the next snapshot, wherever it began", async () => {
    const rfqId = newId();
    await tell(server, [create(rfqId)]);
    const client = await open();
    client.say({ type: "subscribe", id: 1, topics: [`rfq:${rfqId}`] });
    const snapshotIn = (answer: Body) => (answer["snapshots"] as { topic: string; state: RfqSnapshot }[])[0]?.state;
    const start = snapshotIn(await client.first("subscribed"));
    if (start === undefined) throw new Error("no snapshot");
    const steps = [
      distribute(rfqId),
      quote(rfqId, "a", { bidPrice: 1, bidSize: 2 }),
      quote(rfqId, "b", { bidPrice: 2 }),
      rank(rfqId, [["a", 1]]),
    ];
    const middles: { state: RfqSnapshot; after: number }[] = [];
    for (const [index, step] of [...steps, lapse(rfqId, "a"), say("rfq.quoted", rfqId), cancel(rfqId)].entries()) {
      await tell(server, [step]);
      const { body } = await get(`rfq:${rfqId}/snapshot`);
      middles.push({ state: body.state, after: index + 1 });
    }
    await until(() => client.lossless().length === 7);
    for (const { state, after } of [{ state: start, after: 0 }, ...middles]) {
      const folded = client
        .lossless()
        .slice(after)
        .reduce<Rfq | undefined>((rfq, { event: type, data }) => foldRfq(rfq, { type, data }), rfqOf(state));
      if (folded === undefined) throw new Error("nothing was folded");
      expect({ after, state: still(rfqSnapshotOf(folded, 0)) }).toEqual({ after, state: still(middles.at(-1)?.state) });
    }
  });

  it("resumes on both topics with one cursor, in the log's order, countdown never told again", async () => {
    const rfqId = newId();
    const [after] = await tell(server, [create(rfqId)]);
    await tell(server, [distribute(rfqId), quote(rfqId, "q"), cancel(rfqId)]);
    const client = await open();
    client.say({ type: "subscribe", id: 1, topics: [`rfq:${rfqId}`, "trader:me"], after });
    await client.first("subscribed");
    expect(client.events().map(({ topic, event }) => [topic.slice(0, topic.indexOf(":")), event])).toEqual([
      ["rfq", "rfq.distributed"],
      ["trader", "rfq.distributed"],
      ["rfq", "quote.received"],
      ["rfq", "rfq.cancelled"],
      ["trader", "rfq.cancelled"],
    ]);
  });

  it.each<[string, Body, string[]]>([
    ["a liquidity provider", { lpId: "lp-b" }, ["b", "b"]],
    ["a quote", { quoteId: "a" }, ["a"]],
    ["a status", { status: "rejected" }, ["c"]],
    ["the least price", { bidPrice: { min: 2 } }, ["b", "c"]],
  ])("filters by %s", async (_what, filters, expected) => {
    const rfqId = newId();
    await tell(server, [create(rfqId)]);
    const client = await open();
    client.say({ type: "subscribe", id: 1, topics: [`rfq:${rfqId}`], filters });
    await client.first("subscribed");
    expect(client.told.filter(({ type }) => type === "error")).toEqual([]);
    await tell(server, [
      quote(rfqId, "a", { bidPrice: 1 }),
      quote(rfqId, "b", { bidPrice: "1.5" }),
      quote(rfqId, "b", { bidPrice: 2 }),
      quote(rfqId, "c", { bidPrice: "2.5", status: "rejected" }),
    ]);
    await until(
      () => client.lossless().length >= expected.length,
      () => client.told,
    );
    expect(client.lossless().map(({ data }) => data["quoteId"])).toEqual(expected);
  });
});
