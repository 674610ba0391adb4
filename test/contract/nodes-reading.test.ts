/** Whoever was answered by one node finds at every other what that answer tells of, also over a connection that was open before. */
import { io, type Socket } from "socket.io-client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { newDatabase } from "../postgres-database.ts";
import { nativeClients } from "./native-client.ts";
import { create, rfqClients } from "./rfq/desk.ts";
import { bestPrice, publish, type TestServer, startTestServer, token, until } from "./server.ts";
import { closeReaders, read } from "./sse/reader.ts";
import { created, tradingClients } from "./trading/desk.ts";
import { balance, feedClients } from "./transactions/feed-client.ts";

/** A node that does not look where the log is loses about every third of such races. */
const TIMES = 20;

let here: TestServer;
let there: TestServer;
beforeAll(async () => {
  const env = { BROADTAPE_DATABASE_URL: await newDatabase(), BROADTAPE_TRUST_PROXY: "127.0.0.1" };
  [here, there] = await Promise.all([startTestServer({ env }), startTestServer({ env })]);
  await until(async () => (await (await fetch(`${there.url}/metrics`)).text()).includes("broadtape_nodes 2"));
});
const natives = nativeClients(() => there);
const traders = tradingClients(() => there);
const feeds = feedClients(() => there);
const desks = rfqClients(() => there);
const sockets: Socket[] = [];
afterEach(() => {
  closeReaders();
  for (const each of [natives, traders, feeds, desks]) each.end();
  for (const socket of sockets.splice(0)) socket.disconnect();
});
afterAll(async () => {
  for (const node of [here, there]) await node.remove();
});

let last = 0;
const fresh = (word: string) => `${word}-${++last}`;

/** Stored by the one node; returns the id of the last event. */
async function tell(body: unknown): Promise<string> {
  const { status, text, body: answer } = await publish(here.url, body);
  if (status !== 200) throw new Error(text);
  return answer.results.at(-1)?.eventId ?? "";
}

/** `ask` is to find something each time, at the other node; returns what it found. */
async function each<T>(ask: (time: number) => Promise<T>): Promise<T[]> {
  const found: T[] = [];
  for (let time = 0; time < TIMES; time++) found.push(await ask(time));
  return found;
}
const always = <T>(value: T) => Array.from({ length: TIMES }, () => value);

describe("over an open connection", () => {
  it("an RFQ is followed that was just created", async () => {
    const client = await desks.connect();
    const answers = await each(async () => {
      const rfqId = fresh("rfq");
      await tell(create(rfqId));
      return (await client.ask("subscribe:rfq", { rfqId }))["success"];
    });
    expect(answers).toEqual(always(true));
  });

  it("a symbol is known with its first price", async () => {
    const socket = io(`${there.url}/market-data`, { auth: { token: await token() }, forceNew: true, transports: ["websocket"] });
    sockets.push(socket);
    await until(() => socket.connected);
    const answers = await each(async (time) => {
      const symbol = `NEW${time}/USD`;
      await tell(bestPrice(symbol, "1", "2"));
      return (await socket.emitWithAck("subscribe", { symbols: [symbol] })) as unknown;
    });
    expect(answers).toEqual(always(0).map((_, time) => ({ subscribed: [`NEW${time}/USD`] })));
  });

  it("commands are carried out in their order, those that wait and those that do not", async () => {
    const socket = io(`${there.url}/market-data`, { auth: { token: await token() }, forceNew: true, transports: ["websocket"] });
    sockets.push(socket);
    const told: unknown[] = [];
    socket.on("price", (price) => told.push(price));
    await until(() => socket.connected);
    await tell(bestPrice("A/B", "1", "2"));
    const symbols = ["A/B"];
    const answers = await Promise.all(
      ["subscribe", "unsubscribe", "subscribe", "unsubscribe"].map((name): Promise<unknown> => socket.emitWithAck(name, { symbols })),
    );
    expect(answers).toEqual([{ subscribed: symbols }, { unsubscribed: symbols }, { subscribed: symbols }, { unsubscribed: symbols }]);
    await tell(bestPrice("A/B", "3", "4"));
    await socket.emitWithAck("subscribe", { symbols });
    expect(told).toEqual([]);
  });

  it("a native client goes on after what was just stored, and finds it in the snapshots", async () => {
    const user = fresh("user");
    const client = await natives.welcomed({ sub: user });
    const found = await each(async (time) => {
      const id = fresh("order");
      const after = await tell(created(user, id));
      client.say({ type: "subscribe", id: 2 * time, topics: ["orders:me"], after });
      client.say({ type: "subscribe", id: 2 * time + 1, topics: ["orders:me"] });
      return JSON.stringify((await client.first("subscribed", 2 * time + 1))["snapshots"]).includes(id);
    });
    expect(found).toEqual(always(true));
    expect(client.told.filter(({ type }) => type === "resync" || type === "error")).toEqual([]);
  });

  it("a trader goes on after what was just stored, and finds it in the snapshot", async () => {
    const user = fresh("user");
    const client = await traders.connect({ sub: user });
    const found = await each(async () => {
      const id = fresh("order");
      const { snapshot } = await client.follow("trading", await tell(created(user, id)));
      return JSON.stringify(snapshot).includes(id);
    });
    expect(found).toEqual(always(true));
    expect(client.all("resync")).toEqual([]);
  });

  it("a client of the money feed is told the balance that was just set", async () => {
    const user = fresh("user");
    const client = await feeds.plain({ sub: user });
    await client.subscribe({ events: ["balance"] });
    for (let amount = 1; amount <= TIMES; amount++) {
      const eventId = await tell(balance(user, "NGN", `${amount}.00`));
      const before = client.told.length;
      await client.subscribe({ events: ["balance"], after: eventId });
      // The answer to what is said next comes after the balances.
      await client.subscribe({ events: ["balance"] });
      const { wallet } = client.told.slice(before).find(({ type }) => type === "balance") as unknown as {
        wallet: { availableBalance: number };
      };
      expect(wallet.availableBalance).toBe(amount);
    }
    expect(client.all("resync")).toEqual([]);
  });
});

describe("over HTTP", () => {
  it("a topic's events, its snapshot, and its snapshot at the new cursor hold what was just stored", async () => {
    const user = fresh("user");
    const headers = { authorization: `Bearer ${await token({ sub: user })}` };
    const found = await each(async (time) => {
      const id = fresh("order");
      const cursor = await tell(created(user, id));
      const path = [`events?after=`, "snapshot", `snapshot?at=${cursor}`][time % 3] ?? "";
      const answer = await fetch(`${there.url}/api/v1/topics/orders:me/${path}`, { headers });
      return answer.status === 200 && (await answer.text()).includes(id);
    });
    expect(found).toEqual(always(true));
  });

  it("a stream is there of a symbol and of a strategy that were just heard of first", async () => {
    const statuses = await each(async (time) => {
      const name = fresh("NEW");
      const isSymbol = time % 2 === 0;
      await tell(isSymbol ? bestPrice(name, "1", "2") : { type: "strategy.registered", data: { strategyId: name, userId: "user", name } });
      const path = isSymbol ? `/market-data/stream?symbols=${name}` : `/api/stream/strategies/${name}`;
      const stream = await read(there, path, { headers: { "x-forwarded-for": `10.0.0.${time}` } });
      stream.close();
      return stream.status;
    });
    expect(statuses).toEqual(always(200));
  });
});
