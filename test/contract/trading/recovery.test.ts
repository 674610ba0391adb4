/** Contract 40-trading "Stock socket.io-client with connection state recovery recovers too", backed by the log. */
import { rmSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { io as io40 } from "socket.io-client-4-0";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer, until } from "../server.ts";
import { MONITOR, type TradingClient, balance, bearer, created, say, tell, tradingClients, upToNow } from "./desk.ts";
import { onOneNode } from "../one-node.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_HEARTBEAT_MS: "100" } });
});
afterAll(() => server.remove());
const { connect, end } = tradingClients(() => server);
afterEach(end);
let last = 0;
const newUser = () => `user-${++last}`;

const cut = (client: TradingClient) => client.socket.io.engine.close();
/** Resolves when it is connected for the so-many-th time. */
const greeted = (client: TradingClient, times: number) => client.first("connected", times - 1);

describe("a stock client that is cut off", () => {
  it("is told each event once and in order, over many cuts under a stream of events", async () => {
    const sub = newUser();
    const client = await connect({ sub }, { reconnection: true });
    await client.follow();
    const expected: string[] = [];
    for (let round = 0; round < 15; round++) {
      const ids = Array.from({ length: 7 }, (_, index) => `${round}-${index}`);
      expected.push(...ids);
      const telling = (async () => {
        for (const id of ids) await tell(server, [created(sub, id), created(`${sub}-x`, id)]);
      })();
      await client.first("order:created", round * 7 + (round % 4));
      cut(client);
      await telling;
    }
    await until(
      () => client.ids().length >= expected.length,
      () => client.ids(),
    );
    expect(client.ids()).toEqual(expected);
    expect(client.socket.recovered).toBe(true);
    expect(client.all("resync")).toEqual([]);
  });

  it.each(["SIGTERM", "SIGKILL"] as const)("recovers after %s, the monitor too, and with no event but the answer", async (signal) => {
    const claims = { sub: newUser(), permissions: [MONITOR] };
    const client = await connect(claims, { reconnection: true });
    await client.follow(MONITOR);
    await server.kill(signal);
    server = await server.restart();
    await tell(server, [created("somebody", "a"), say("balance.updated", "somebody", balance("USD")), created(claims.sub, "b")]);
    await client.first("order:created", 1);
    expect(client.socket.recovered).toBe(true);
    cut(client);
    await tell(server, [created("somebody", "c")]);
    await client.first("order:created", 2);
    expect([client.ids(), client.socket.recovered]).toEqual([["a", "b", "c"], true]);
  });

  it("recovers from the heartbeat's place where nothing else was told for long", async () => {
    const sub = newUser();
    const client = await connect({ sub }, { reconnection: true });
    const { eventId } = await client.follow();
    await tell(server, [created("somebody", "x")]);
    await until(() => client.all("heartbeat").some(({ lastEventId }) => String(lastEventId) > eventId));
    cut(client);
    await greeted(client, 2);
    await tell(server, [created(sub, "a")]);
    await client.first("order:created");
    expect([client.socket.recovered, client.ids()]).toEqual([true, ["a"]]);
  });

  it("comes back to nothing that it let go of", async () => {
    const sub = newUser();
    const client = await connect({ sub, permissions: [MONITOR] }, { reconnection: true });
    await client.follow();
    await client.follow(MONITOR);
    await client.ask("unsubscribe", { channel: MONITOR });
    cut(client);
    await greeted(client, 2);
    await tell(server, [created("somebody", "x"), created(sub, "own")]);
    await client.first("order:created");
    expect([client.ids(), client.socket.recovered]).toEqual([["own"], true]);
    await client.ask("unsubscribe", { channel: "trading" });
    cut(client);
    await greeted(client, 3);
    await tell(server, [created("somebody", "x"), created(sub, "let go")]);
    await upToNow(client);
    expect(client.ids()).toEqual(["own"]);
    await client.follow();
    await tell(server, [created(sub, "again")]);
    await upToNow(client);
    expect(client.ids()).toEqual(["own", "again"]);
  });

  it("is told that it monitors no more where its token lost the permission meanwhile", async () => {
    const sub = newUser();
    const client = await connect({ sub, permissions: [MONITOR] }, { reconnection: true });
    await client.follow();
    await client.follow(MONITOR);
    client.socket.auth = { token: await bearer({ sub }) };
    cut(client);
    await greeted(client, 2);
    expect(await client.first("error")).toMatchObject({ code: "FORBIDDEN" });
    await tell(server, [created("somebody", "x"), created(sub, "own")]);
    await upToNow(client);
    expect(client.ids()).toEqual(["own"]);
  });

  it("is told of itself alone, whoever's place it brings", async () => {
    const [ann, ben] = [newUser(), newUser()];
    const first = await connect({ sub: ann, permissions: [MONITOR] });
    await first.follow();
    const { eventId } = await first.follow(MONITOR);
    await tell(server, [created(ann, "of ann"), created(ben, "of ben")]);
    for (const claims of [{ sub: ben }, { sub: ben, tenantId: "other" }]) {
      const thief = await connect(claims, { auth: { pid: "whatever", offset: `${eventId}.tm` } });
      await upToNow(thief);
      expect(thief.ids()).toEqual(claims.tenantId === undefined ? ["of ben"] : []);
      expect(thief.all("error")).toMatchObject([{ code: "FORBIDDEN" }]);
    }
  });
});

describe("a place that cannot be gone on from", () => {
  it.each<{ offset: unknown }>([
    { offset: "nonsense" },
    { offset: "1-zzzzzzzzzzzz.t" },
    { offset: "EV-0000000000000001.t" },
    { offset: "1-000000000.t" },
    { offset: ".t" },
    { offset: 5 },
    { offset: true },
    { offset: [] },
    { offset: {} },
    { offset: { toString: "x" } },
    { offset: ["1-000000000.t"] },
  ])("is told so: $offset", async ({ offset }) => {
    const sub = newUser();
    const client = await connect({ sub }, { auth: { pid: "p", offset } });
    expect(client.socket.recovered).toBe(false);
    expect(await client.first("resync")).toMatchObject({ reason: "unknown" });
    await client.follow();
    await tell(server, [created(sub, "a")]);
    await client.first("order:created");
  });

  it.each([null, undefined])("is none where there is none: %j", async (offset) => {
    const client = await connect({ sub: newUser() }, { auth: { pid: "p", offset } });
    await upToNow(client);
    expect(client.socket.recovered).toBe(false);
  });

  it.each(["t", "m", "tm", "n", "mt", "ttt", "zzz"])("is taken as far as it says anything: of %s", async (mark) => {
    const sub = newUser();
    const { eventId } = await (await connect({ sub })).follow();
    await tell(server, [created(sub, "a")]);
    const client = await connect({ sub }, { auth: { pid: "p", offset: `${eventId}.${mark}` } });
    await upToNow(client);
    expect(client.ids()).toEqual(mark.includes("t") ? ["a"] : []);
    await client.follow();
    await tell(server, [created(sub, "b")]);
    await upToNow(client);
    expect(client.ids().at(-1)).toBe("b");
  });
});

it("a client of 4.0, which knows no recovery, goes on with a cursor of its own", async () => {
  const sub = newUser();
  const client = await connect({ sub }, { io: io40, reconnection: true });
  let { eventId } = await client.follow();
  for (const round of [0, 1, 2]) {
    cut(client);
    await tell(server, [created(sub, `${round}`)]);
    await greeted(client, round + 2);
    ({ eventId } = await client.follow("trading", eventId));
  }
  expect(client.ids()).toEqual(["0", "1", "2"]);
});

onOneNode("the log is a file of the data directory")(
  "does not recover a client when the log has begun a new life, and says so",
  async () => {
    const sub = newUser();
    const client = await connect({ sub }, { reconnection: true });
    await client.follow();
    await tell(server, [created(sub, "of the old life")]);
    await client.first("order:created");
    await server.kill("SIGKILL");
    for (const file of readdirSync(server.directory)) rmSync(join(server.directory, file), { recursive: true });
    server = await server.restart();
    await greeted(client, 2);
    expect(await client.first("resync")).toMatchObject({ reason: "unknown", eventId: expect.any(String) });
    expect(client.socket.recovered).toBe(false);
    expect((await client.follow()).snapshot.orders).toEqual([]);
    await tell(server, [created(sub, "of the new one")]);
    await client.first("order:created", 1);
    cut(client);
    await greeted(client, 3);
    expect(client.socket.recovered).toBe(true);
  },
);
