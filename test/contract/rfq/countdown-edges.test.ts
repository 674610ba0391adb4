/** Contract 20-rfq "follows `rfq:extended` at once", "shows 0 once when time is up", where the end moves oddly. */
import { setTimeout as passed } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type TestServer, startTestServer, until } from "../server.ts";
import { type RfqClient, cancel, create, distribute, quote, rfqClients, say, tell } from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { connect, end } = rfqClients(() => server);
afterEach(end);
let last = 0;
const newId = () => `x-${++last}`;
const secondsOf = (client: RfqClient) => client.all("rfq:countdown").map(({ timeRemaining }) => timeRemaining);
const at = (ms: number) => new Date(ms).toISOString();

it("an extension by whole seconds is told at once, before the next second", async () => {
  const rfqId = newId();
  const client = await connect();
  await tell(server, [create(rfqId)]);
  await client.follow(rfqId);
  // 900 ms before the next tick.
  const expiresAt = Date.now() + 60_900;
  await tell(server, [say("rfq.distributed", rfqId, { lpCount: 1, expiresAt })]);
  await client.first("rfq:countdown");
  const newExpiresAt = at(expiresAt + 300_000);
  await tell(server, [say("rfq.extended", rfqId, { newExpiresAt })]);
  await tell(server, [quote(rfqId, "q")]);
  await client.first("quote:received");
  const names = client.told.map(([name, body]) => (body["expiresAt"] === newExpiresAt ? "the new end" : name));
  expect(names.slice(names.indexOf("rfq:extended"))).toEqual(expect.arrayContaining(["the new end", "quote:received"]));
  expect(names.indexOf("the new end")).toBeLessThan(names.indexOf("quote:received"));
  const first = client.all("rfq:countdown").find(({ expiresAt: end }) => end === newExpiresAt);
  expect(first?.["timeRemaining"]).toBeGreaterThan(200);
});

it.each([
  ["is distributed after its time", (id: string) => [distribute(id)], -5000],
  ["loses the rest of its time", (id: string) => [distribute(id), say("rfq.extended", id, { newExpiresAt: 1 })], 60_000],
] as const)("an RFQ that %s shows its zero once, at once", async (_what, events, ms) => {
  const rfqId = newId();
  const client = await connect();
  await tell(server, [create(rfqId, { expiresAt: at(Date.now() + ms) })]);
  await client.follow(rfqId);
  for (const event of events(rfqId)) await tell(server, [event]);
  await until(
    () => secondsOf(client).includes(0),
    () => client.told,
  );
  await tell(server, [quote(rfqId, "q"), say("rfq.quoted", rfqId)]);
  await passed(1200);
  await tell(server, [cancel(rfqId)]);
  await client.first("rfq:cancelled");
  expect(secondsOf(client).filter((seconds) => seconds === 0)).toEqual([0]);
  expect(secondsOf(client).at(-1)).toBe(0);
});
