/** Two nodes over one PostgreSQL, and RFQs whose lifecycle goes on at both: one outcome each, whoever is asked, and no refusal that is not true. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { newDatabase } from "../postgres-database.ts";
import { type Answer, publish, type TestServer, startTestServer } from "./server.ts";

let nodes: readonly [TestServer, TestServer];

beforeAll(async () => {
  const env = { BROADTAPE_DATABASE_URL: await newDatabase() };
  nodes = await Promise.all([startTestServer({ env }), startTestServer({ env })]);
});
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.remove()));
});

const rfq = (type: string, rfqId: string, data: object = {}, id?: string) => ({
  type: `rfq.${type}`,
  data: { rfqId, ...data },
  ...(id !== undefined && { id }),
});
const created = (rfqId: string) =>
  rfq("created", rfqId, { traderId: "ann", symbol: "EUR/USD", side: "buy", quantity: "1", expiresAt: "2099-01-01T00:00:00.000Z" });
const filled = (rfqId: string, tradeId: string, id?: string) => rfq("filled", rfqId, { tradeId, price: "1.1", quantity: "1" }, id);

async function accepted(node: TestServer, ...events: object[]): Promise<Answer> {
  const answer = await publish(node.url, events);
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
  return answer;
}

it("goes on with an RFQ at one node that was created at the other, at once", async () => {
  const [one, other] = nodes;
  for (let index = 0; index < 10; index++) {
    await accepted(one, created(`chain-${index}`));
    await accepted(other, rfq("quoted", `chain-${index}`));
    await accepted(one, filled(`chain-${index}`, "t"));
  }
});

it("fills each of 50 RFQs once that are filled at both nodes at the same time, and refuses the other", async () => {
  const names = Array.from({ length: 50 }, (_, index) => `race-${index}`);
  await accepted(nodes[0], ...names.map(created));
  const races = await Promise.all(
    names.map((name) => Promise.all(nodes.map((node, at) => publish(node.url, [filled(name, `trade-${name}-${at}`)])))),
  );
  for (const [index, answers] of races.entries()) {
    const [won, lost] = answers.toSorted((a, b) => a.status - b.status);
    expect([won?.status, lost?.status]).toEqual([200, 422]);
    const offset = won?.body.results[0]?.offset;
    expect(lost?.body.errors).toEqual([
      { index: 0, path: "data.rfqId", message: `RFQ ${names[index]} is filled (offset ${offset})`, offset },
    ]);
  }
});

it("answers the repetition of an event at the other node with the first, also when both come at once", async () => {
  const [one, other] = nodes;
  await accepted(one, created("again"));
  const answers = await Promise.all([one, other, one, other].map((node) => accepted(node, filled("again", "t", "fill-1"))));
  const places = answers.map(({ body }) => body.results[0]);
  expect(new Set(places.map((place) => place?.offset)).size).toBe(1);
  expect(places.filter((place) => place?.duplicate === false)).toHaveLength(1);
});

it("takes quotes for one RFQ from both nodes as fast as they come", async () => {
  await accepted(nodes[0], created("busy"), rfq("distributed", "busy", { lpCount: 2 }));
  const quote = (at: number, index: number) => ({
    type: "quote.received",
    data: { rfqId: "busy", quoteId: `q-${at}-${index}`, lpId: `lp-${at}`, status: "active" },
  });
  const statuses = await Promise.all(
    nodes.map(async (node, at) => {
      const all: number[] = [];
      for (let index = 0; index < 50; index++) all.push((await publish(node.url, [quote(at, index)])).status);
      return all;
    }),
  );
  expect(new Set(statuses.flat())).toEqual(new Set([200]));
});
