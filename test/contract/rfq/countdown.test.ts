/** Contract 20-rfq "The countdown", 70-details "RFQ countdown": real seconds, so what can run side by side does. */
import { setTimeout as passed } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer, until } from "../server.ts";
import { type RfqClient, cancel, create, distribute, inSeconds, quote, rfqClients, say, tell, upToNow } from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { connect, end } = rfqClients(() => server);
afterEach(end);
let last = 0;
const newId = () => `c-${++last}`;

interface Tick {
  readonly rfqId: string;
  readonly timeRemaining: number;
  readonly expiresAt: string;
}
const ticksOf = (client: RfqClient, rfqId: string) =>
  (client.all("rfq:countdown") as unknown as Tick[]).filter((tick) => tick.rfqId === rfqId);
const secondsOf = (client: RfqClient, rfqId: string) => ticksOf(client, rfqId).map(({ timeRemaining }) => timeRemaining);
/** With the end of its time, whenever the server hears of it. */
const distributeUntil = (rfqId: string, expiresAt: string) => say("rfq.distributed", rfqId, { lpCount: 3, expiresAt });
const zeros = (client: RfqClient, rfqId: string) => secondsOf(client, rfqId).filter((seconds) => seconds === 0).length;
const extend = (rfqId: string, newExpiresAt: string | number) => say("rfq.extended", rfqId, { newExpiresAt });

it("tells whole seconds down to one zero, to all who follow, with the three fields and nothing else", async () => {
  const rfqId = newId();
  const clients = await Promise.all([connect(), connect(), connect({ sub: "risk", permissions: ["rfq:read:tenant"] })]);
  const late = await connect();
  await tell(server, [create(rfqId)]);
  for (const client of clients) await client.follow(rfqId);
  const expiresAt = inSeconds(4.6);
  await tell(server, [distributeUntil(rfqId, expiresAt)]);
  await until(() => clients.every((client) => secondsOf(client, rfqId).length >= 2));
  const { rfq } = await late.follow(rfqId);
  expect(rfq.rfq.timeRemaining).toBeLessThanOrEqual(3);
  await until(() => [...clients, late].every((client) => zeros(client, rfqId) === 1));
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
  // A quote after the time, another follower and a repeated subscription bring no zero again.
  await tell(server, [quote(rfqId, "late", { askPrice: 1 }), say("rfq.quoted", rfqId)]);
  const after = await connect();
  await after.follow(rfqId);
  for (const client of clients) await client.follow(rfqId);
  await passed(1200);
  for (const client of clients) {
    expect(ticksOf(client, rfqId)[0]).toEqual({ rfqId, timeRemaining: expect.any(Number), expiresAt });
    // The first one at once; a server that was held up for a second says nothing of that one.
    const seconds = secondsOf(client, rfqId);
    expect(seconds).toEqual([4, 3, 2, 1, 0].filter((second) => seconds.includes(second)));
    expect(zeros(client, rfqId)).toBe(1);
    expect(secondsOf(client, rfqId)).toEqual(secondsOf(clients[0], rfqId));
  }
  expect(secondsOf(late, rfqId).at(-1)).toBe(0);
  expect(secondsOf(after, rfqId)).toEqual([]);
});

describe("there is none", () => {
  it("before distribution, for those who do not follow the RFQ, after its end, nor told again to those who resume", async () => {
    const [early, live, over, gone] = [newId(), newId(), newId(), newId()];
    const all = [early, live, over, gone];
    const [created] = await tell(
      server,
      all.map((id) => create(id, { expiresAt: inSeconds(30) })),
    );
    const client = await connect();
    const feed = await connect();
    await feed.ask("subscribe:trader");
    for (const id of all) await client.follow(id);
    await tell(server, [say("rfq.validated", early), quote(early, "q"), ...[live, over, gone].map(distribute)]);
    await until(() => [live, over, gone].every((id) => ticksOf(client, id).length > 1));
    await tell(server, [cancel(over)]);
    await client.ask("unsubscribe:rfq", { rfqId: gone });
    await client.first("rfq:cancelled");
    const [told, ticks] = [ticksOf(client, over).length + ticksOf(client, gone).length, ticksOf(client, live).length];
    const resumed = await connect();
    await resumed.follow(live, created);
    expect(resumed.steps(live).map(([name]) => name)).toEqual(["rfq:distributed"]);
    expect(ticksOf(resumed, live).length).toBeLessThan(2);
    await until(() => ticksOf(client, live).length >= ticks + 2);
    expect(ticksOf(client, over).length + ticksOf(client, gone).length).toBe(told);
    expect(ticksOf(client, early)).toEqual([]);
    expect(feed.all("rfq:countdown")).toEqual([]);
    const last = client.told.findLastIndex(([name, body]) => name === "rfq:countdown" && body["rfqId"] === over);
    expect(last).toBeLessThan(client.told.findIndex(([name]) => name === "rfq:cancelled"));
  });
});

describe("rfq.extended", () => {
  it("is followed at once: longer, shorter, from beyond the end, each end with its own zero", async () => {
    const rfqId = newId();
    const client = await connect();
    await tell(server, [create(rfqId)]);
    await client.follow(rfqId);
    await tell(server, [distributeUntil(rfqId, inSeconds(1.3))]);
    await until(() => zeros(client, rfqId) === 1);
    const ends = [inSeconds(3600.25), inSeconds(100.7), inSeconds(1.65)];
    for (const newExpiresAt of ends) {
      const before = client.told.length;
      const asked = Date.now();
      await tell(server, [extend(rfqId, newExpiresAt)]);
      await until(() => client.told.slice(before).some(([name]) => name === "rfq:countdown"));
      const [event, tick] = client.told
        .slice(before)
        .filter(([, body]) => body["newExpiresAt"] === newExpiresAt || body["expiresAt"] === newExpiresAt);
      expect(event?.[0]).toBe("rfq:extended");
      const left = (now: number) => Math.max(0, Math.floor((Date.parse(newExpiresAt) - now) / 1000));
      expect(tick?.[1]["timeRemaining"]).toBeLessThanOrEqual(left(asked));
      expect(tick?.[1]["timeRemaining"]).toBeGreaterThanOrEqual(left(Date.now()));
    }
    await until(() => zeros(client, rfqId) === 2);
    expect(
      ticksOf(client, rfqId)
        .filter(({ timeRemaining }) => timeRemaining === 0)
        .map(({ expiresAt }) => expiresAt),
    ).toEqual([expect.any(String), ends.at(-1)]);
  });

  it("of one RFQ moves no other, though they end at the same moment", async () => {
    const [a, b] = [newId(), newId()];
    const client = await connect();
    await tell(
      server,
      [a, b].map((id) => create(id)),
    );
    for (const id of [a, b]) await client.follow(id);
    const [expiresAt, longer] = [inSeconds(1.4), inSeconds(300.1)];
    await tell(server, [...[a, b].map((id) => distributeUntil(id, expiresAt)), extend(a, longer)]);
    await until(() => zeros(client, b) === 1);
    expect(zeros(client, a)).toBe(0);
    const since = ticksOf(client, a).filter((tick) => tick.expiresAt === longer);
    expect(Math.min(...since.map(({ timeRemaining }) => timeRemaining))).toBeGreaterThan(100);
    await upToNow(server, client);
  });
});

it("goes on where it stands after the server was killed, for those who follow again", async () => {
  const rfqId = newId();
  const expiresAt = inSeconds(30);
  await tell(server, [create(rfqId, { expiresAt }), distribute(rfqId)]);
  const before = await connect();
  await before.follow(rfqId);
  await until(() => ticksOf(before, rfqId).length > 0);
  await server.kill("SIGKILL");
  server = await server.restart();
  const client = await connect();
  const { rfq } = await client.follow(rfqId);
  await until(() => ticksOf(client, rfqId).length > 1);
  for (const { timeRemaining } of ticksOf(client, rfqId)) expect(timeRemaining).toBeLessThanOrEqual(rfq.rfq.timeRemaining);
});
