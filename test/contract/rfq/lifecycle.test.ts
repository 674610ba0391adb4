/** Contract 20-rfq "Event types", 70-details "RFQ lifecycle": the log makes sense on its own, whatever a publisher sends. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, publish, publisherToken, startTestServer } from "../server.ts";
import { type Body, type RfqEvent, bearer, cancel, create, distribute, lapse, quote, rank, rfqClients, say, tell } from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { connect, end } = rfqClients(() => server);
afterEach(end);
let last = 0;
const newId = () => `l-${++last}`;

/** The errors of a publish that must be refused as a whole. */
async function refusal(events: RfqEvent | readonly RfqEvent[]): Promise<Body[]> {
  const { status, body } = await publish(server.url, events);
  expect({ status, body }).toMatchObject({ status: 422, body: { statusCode: 422, error: "Unprocessable Entity" } });
  return body.errors;
}
const typesOf = async (rfqId: string) => {
  const response = await fetch(`${server.url}/api/v1/topics/rfq:${rfqId}/events`, {
    headers: { authorization: `Bearer ${await bearer()}` },
  });
  const { events = [] } = (await response.json()) as { events?: { event: string }[] };
  return events.map(({ event }) => event);
};

const FIELDS: Readonly<Record<string, Body>> = {
  "rfq.validated": {},
  "rfq.distributed": { lpCount: 1 },
  "quote.received": { quoteId: "q", lpId: "lp", status: "valid" },
  "quotes.ranked": { rankings: [] },
  "quote.expired": { quoteId: "q", lpId: "lp" },
  "rfq.quoted": {},
  "rfq.filled": { tradeId: "t", price: 1, quantity: 1 },
  "rfq.expired": {},
  "rfq.cancelled": { reason: "x" },
  "rfq.extended": { newExpiresAt: 1 },
};
const TYPES = Object.keys(FIELDS);

it.each(TYPES)("%s of an RFQ that was never created, or in another tenant only, is refused", async (type) => {
  const foreign = newId();
  await tell(server, [create(foreign)], "other");
  for (const rfqId of [newId(), foreign])
    expect(await refusal(say(type, rfqId, FIELDS[type]))).toEqual([{ index: 0, path: "data.rfqId", message: `there is no RFQ ${rfqId}` }]);
});

it.each(["rfq.filled", "rfq.expired", "rfq.cancelled"])(
  "after %s nothing comes, with the reason and the offset of the end",
  async (final) => {
    const rfqId = newId();
    await tell(server, [create(rfqId), quote(rfqId, "q")]);
    const { body } = await publish(server.url, say(final, rfqId, FIELDS[final]));
    const offset = body.results[0]?.offset;
    const status = final.slice("rfq.".length);
    for (const event of [...TYPES.map((type) => say(type, rfqId, FIELDS[type])), create(rfqId)]) {
      const [error] = await refusal(event);
      expect({ type: event.type, error }).toMatchObject({ error: { index: 0, path: "data.rfqId", offset } });
      if (event.type !== "rfq.created") expect(error?.["message"]).toContain(status);
    }
    expect(await typesOf(rfqId)).toEqual(["rfq.created", "quote.received", final]);
  },
);

const STEPS = ["rfq.validated", "rfq.distributed", "rfq.quoted", "rfq.filled"];
it("steps may be skipped forward, and none goes back", async () => {
  for (let from = 0; from < STEPS.length - 1; from++) {
    for (let to = 0; to < STEPS.length; to++) {
      const rfqId = newId();
      const step = (index: number) => say(STEPS[index] ?? "", rfqId, FIELDS[STEPS[index] ?? ""]);
      await tell(server, [create(rfqId), step(from)]);
      const { status } = await publish(server.url, step(to));
      if (to !== from) expect({ from: STEPS[from], to: STEPS[to], status }).toMatchObject({ status: to > from ? 200 : 422 });
    }
  }
});

describe("a batch", () => {
  it("is judged in its own order, and stored whole", async () => {
    const rfqId = newId();
    await tell(server, [
      create(rfqId),
      distribute(rfqId),
      quote(rfqId, "q"),
      lapse(rfqId, "q"),
      rank(rfqId, [["q", 1]]),
      say("rfq.quoted", rfqId),
      cancel(rfqId),
    ]);
    expect((await typesOf(rfqId)).length).toBe(7);
  });

  it.each<[string, (rfqId: string) => RfqEvent[], number]>([
    ["something before its creation", (id) => [distribute(id), create(id)], 0],
    ["something after its end", (id) => [create(id), cancel(id), quote(id, "q")], 2],
    ["two creations", (id) => [create(id), create(id)], 1],
    ["a quote that lapses before it came", (id) => [create(id), lapse(id, "q"), quote(id, "q")], 1],
    ["two ends", (id) => [create(id), say("rfq.expired", id), cancel(id)], 2],
    ["a step back", (id) => [create(id), say("rfq.quoted", id), distribute(id)], 2],
    ["one event of an unknown RFQ among good ones", (id) => [create(id), say("rfq.quoted", `${id}-unknown`)], 1],
  ])("with %s is refused whole, and leaves nothing", async (_what, events, index) => {
    const [rfqId, other] = [newId(), newId()];
    const errors = await refusal([create(other), ...events(rfqId)]);
    expect(errors).toMatchObject([{ index: index + 1, message: expect.any(String) }]);
    const client = await connect();
    for (const each of [rfqId, other]) {
      expect(await client.ask("subscribe:rfq", { rfqId: each })).toMatchObject({ success: false });
      await tell(server, [create(each)]);
      await client.follow(each);
    }
  });

  it("that is refused tells nobody, and leaves the state as it was", async () => {
    const rfqId = newId();
    await tell(server, [create(rfqId), quote(rfqId, "q", { askPrice: 1 })]);
    const client = await connect();
    const { eventId } = await client.follow(rfqId);
    await refusal([quote(rfqId, "q", { askPrice: 2 }), cancel(rfqId), quote(rfqId, "q", { askPrice: 3 })]);
    expect(await (await connect()).follow(rfqId)).toMatchObject({
      eventId,
      rfq: { rfq: { status: "pending" }, composite: { bestAsk: 1 } },
    });
    await tell(server, [cancel(rfqId)]);
    await client.first("rfq:cancelled");
    expect(client.steps(rfqId).map(([name]) => name)).toEqual(["rfq:cancelled"]);
  });
});

describe("an exact repetition", () => {
  const with_ = (event: RfqEvent, id: string, source = "desk") => ({ ...event, id, source });

  it("is a duplicate with the first one's offset, over the end, over a restart; another id or source is judged anew", async () => {
    const rfqId = newId();
    const events = [create(rfqId), distribute(rfqId), quote(rfqId, "q"), cancel(rfqId)].map((event, index) =>
      with_(event, `${rfqId}/${index}`),
    );
    const first = await publish(server.url, events);
    await server.kill("SIGKILL");
    server = await server.restart();
    const again = await publish(server.url, events.toReversed());
    expect(again.body.results.toReversed()).toEqual(first.body.results.map((result) => ({ ...result, duplicate: true })));
    for (const event of events) {
      await refusal({ ...event, id: `${event.id}'` } as RfqEvent);
      await refusal({ ...event, source: "another" } as RfqEvent);
    }
    expect((await typesOf(rfqId)).length).toBe(4);
  });

  it("in one batch, and beside new events, is stored and told once", async () => {
    const rfqId = newId();
    const creation = with_(create(rfqId), `${rfqId}/0`);
    const first = with_(quote(rfqId, "q", { askPrice: 1 }), `${rfqId}/1`);
    const { body } = await publish(server.url, [creation, creation, first]);
    expect(body.results.map(({ duplicate }) => duplicate)).toEqual([false, true, false]);
    const client = await connect();
    await client.follow(rfqId);
    const end = with_(cancel(rfqId), `${rfqId}/2`);
    await publish(server.url, [creation, first, end, end]);
    await client.first("rfq:cancelled");
    expect(client.steps(rfqId).map(([name]) => name)).toEqual(["rfq:cancelled"]);
  });
});

it("of many publishers that end an RFQ at once, one is heard", async () => {
  const rfqId = newId();
  await tell(server, [create(rfqId)]);
  const bearers = await Promise.all(Array.from({ length: 20 }, () => publisherToken()));
  const ends = [cancel(rfqId), say("rfq.expired", rfqId), say("rfq.filled", rfqId, FIELDS["rfq.filled"])];
  const answers = await Promise.all(bearers.map((each, index) => publish(server.url, ends[index % 3], { bearer: each })));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array.from({ length: 19 }, () => 422)]);
  expect((await typesOf(rfqId)).length).toBe(2);
});
