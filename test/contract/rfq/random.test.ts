/** Contract 20-rfq: the state that is answered is the fold of the messages, wherever in a lifecycle one asks. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { rfqStateOf } from "@broadtape/protocol/products/rfq/messages";
import { type Rfq, foldRfq } from "@broadtape/protocol/products/rfq/state";
import { type TestServer, startTestServer } from "../server.ts";
import {
  type Body,
  type RfqEvent,
  type State,
  type Step,
  chances,
  create,
  inSeconds,
  lapse,
  quote,
  rank,
  rfqClients,
  say,
  tell,
} from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    env: { BROADTAPE_LIMIT_RFQ_COMMANDS_BURST: "100000", BROADTAPE_LIMIT_RFQ_COMMANDS_PER_SECOND: "100000" },
  });
});
afterAll(() => server.remove());
const { connect, end } = rfqClients(() => server);
afterEach(end);

const STATUSES = ["rfq.validated", "rfq.distributed", "rfq.quoted"];
const TYPE_OF: Readonly<Record<string, string>> = {
  "rfq:distributed": "rfq.distributed",
  "quote:received": "quote.received",
  "quotes:ranked": "quotes.ranked",
  "quote:expired": "quote.expired",
  "rfq:filled": "rfq.filled",
  "rfq:expired": "rfq.expired",
  "rfq:cancelled": "rfq.cancelled",
  "rfq:extended": "rfq.extended",
  "rfq:created": "rfq.created",
};

function foldOf(steps: readonly Step[]): Rfq | undefined {
  return steps.reduce<Rfq | undefined>((rfq, [name, body]) => {
    const type = name === "rfq:status" ? `rfq.${String(body["status"])}` : TYPE_OF[name];
    if (type === undefined) throw new Error(`${name} is no message of RFQs`);
    return foldRfq(rfq, { type, data: { traderId: "ann", ...body } });
  }, undefined);
}

/** All but what the clock changes. */
const still = (state: unknown) =>
  JSON.parse(JSON.stringify(state, (key, value: unknown) => (key === "timeRemaining" ? undefined : value))) as unknown;

const PRICES = [undefined, null, 0, -1, -0.5, 0.1, 0.2, 0.3, 1, "1.10", 1.1, 1.0851, "-0.25", "0.3"];
const STATES = ["valid", "valid", "valid", "rejected", "expired"];

/** Some of a lifecycle, now and then beyond its end; `known` are the quotes so far. */
function nextEvents(rfqId: string, step: number, known: Set<string>, chance: (below: number) => number): RfqEvent[] {
  const one = <T>(all: readonly T[]): T => all[chance(all.length)] as T;
  return Array.from({ length: 1 + chance(3) }, () => {
    const kind = chance(12);
    if (kind < 6) {
      const id = `q${chance(6)}`;
      known.add(id);
      return quote(rfqId, id, { bidPrice: one(PRICES), askPrice: one(PRICES), status: one(STATES), lpName: one([null, "Ä bank"]) });
    }
    if (kind < 8 && known.size > 0) return lapse(rfqId, one([...known]));
    if (kind < 10)
      return rank(
        rfqId,
        Array.from({ length: chance(5) }, () => [`q${chance(8)}`, 1 + chance(4), chance(2) === 0, chance(2) === 0] as const),
      );
    if (kind === 10) return say("rfq.extended", rfqId, { newExpiresAt: one([inSeconds(900), Date.now() + 5000, "2000-01-01T00:00:00Z"]) });
    return say(STATUSES[Math.min(2, Math.floor(step / 4))] ?? "", rfqId, { lpCount: chance(5) });
  });
}

it.each([1, 2, 3, 4])("lifecycles of seed %i", async (seed) => {
  const chance = chances(seed * Number(process.env["BROADTAPE_TEST_SEED"] ?? 1));
  const sides = ["buy", "sell", "two-way"];
  const ids = Array.from({ length: 6 }, (_, index) => `r${seed}-${index}`);
  const client = await connect();
  await client.ask("subscribe:trader");
  await tell(
    server,
    ids.map((rfqId, index) => create(rfqId, { side: sides[index % 3] })),
  );
  for (const rfqId of ids) await client.follow(rfqId);
  const known = new Map(ids.map((rfqId) => [rfqId, new Set<string>()]));
  const late = await connect();
  const asked: { rfqId: string; rfq: State; eventId: string }[] = [];
  for (let step = 0; step < 15; step++) {
    const events = ids.flatMap((rfqId) => (chance(4) === 0 ? [] : nextEvents(rfqId, step, known.get(rfqId) ?? new Set(), chance)));
    // Answers may be of any moment: publishing goes on while they are asked for.
    const publishing = tell(server, [...events, say("rfq.extended", ids[0] ?? "", { newExpiresAt: inSeconds(60) })]);
    for (const rfqId of ids.filter(() => chance(3) === 0)) {
      await late.ask("unsubscribe:rfq", { rfqId });
      asked.push({ rfqId, ...(await late.follow(rfqId)) });
    }
    await publishing;
  }
  const ends = [say("", "", { tradeId: "t", price: "1.10", quantity: 1 }), say("", "", { reason: "x" }), say("", "")];
  const types = ["rfq.filled", "rfq.cancelled", "rfq.expired"];
  await tell(
    server,
    ids.map((rfqId, index) => ({ type: types[index % 3] ?? "", data: { ...(ends[index % 3]?.data as Body), rfqId } })),
  );
  for (const rfqId of ids) {
    const answer = await client.follow(rfqId);
    asked.push({ rfqId, ...answer });
    expect(new Set(client.steps(rfqId).map(([, body]) => body["eventId"])).size).toBe(client.steps(rfqId).length);
  }
  for (const { rfqId, rfq, eventId } of asked) {
    const folded = foldOf(client.steps(rfqId).filter(([, body]) => String(body["eventId"]) <= eventId));
    expect(folded).toBeDefined();
    if (folded !== undefined)
      expect({ rfqId, eventId, state: still(rfq) }).toEqual({ rfqId, eventId, state: still(rfqStateOf(folded, 0)) });
  }
  expect(asked.length).toBeGreaterThan(20);
});
