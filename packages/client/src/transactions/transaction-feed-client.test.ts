import { describe, expect, it } from "vitest";
import { FakeFeedEnvironment, TIME, balanceText, feedIdOf, openFeed, transactionText } from "../../testing/fake-feed.ts";
import { settled, tokenUntil } from "../../testing/fake-environment.ts";
import { FeedError } from "./feed-error.ts";
import { TransactionFeedClient } from "./transaction-feed-client.ts";

describe("the connection of the feed", () => {
  it("opens the plain WebSocket with token, name and window, and asks for transactions and balances", async () => {
    const { environment, client, connect } = openFeed({ url: "https://tape.example/", token: "t.o.k", window: 32 });
    await connect();
    expect(environment.socket.url.href).toBe("wss://tape.example/api/v1/ws/transactions?token=t.o.k&clientId=phone&window=32");
    expect(environment.socket.sent).toEqual([{ type: "subscribe", events: ["transaction", "balance"], filters: {} }]);
    expect([client.state, client.staleSince]).toEqual(["live", undefined]);
    expect(client.subscription).toEqual({ events: ["transaction", "balance"], filters: {} });
  });

  it("answers pings, and counts a silent server as lost", async () => {
    const { environment, client, connect } = openFeed();
    await connect();
    await environment.pass(60_000);
    environment.socket.say({ type: "ping", timestamp: TIME, lastEventId: feedIdOf(0) });
    expect(environment.socket.said("pong")).toHaveLength(1);
    const heardAt = environment.now();
    await environment.pass(74_999);
    expect(client.state).toBe("live");
    await environment.pass(1);
    expect([client.state, client.staleSince]).toEqual(["stale", heardAt]);
  });

  it("comes back for ever, with a back-off that grows to 30 s and is jittered", async () => {
    const { environment, client, connect } = openFeed();
    await connect();
    environment.onSocket = (socket) => queueMicrotask(() => socket.end());
    environment.chance = 0.999;
    environment.socket.end();
    await environment.pass(100_000);
    const opened = environment.sockets.length;
    expect(opened).toBeGreaterThan(5);
    await environment.pass(3_600_000);
    expect(environment.sockets.length - opened).toBe(120);
    environment.chance = 0;
    await environment.pass(3_600_000);
    expect(environment.sockets.length - opened).toBeGreaterThan(350);
    expect(client.state).toBe("stale");
  });

  it("tells when it is connected and when no more", async () => {
    const { client, environment, connect, reconnect } = openFeed();
    const told: unknown[] = [];
    client.on("connected", ({ resumed }) => told.push(resumed));
    client.on("disconnected", ({ state }) => told.push(state));
    await connect();
    await reconnect({ resumed: true, subscription: { events: ["transaction", "balance"], filters: {} } });
    client.disconnect();
    expect(told).toEqual([false, "stale", true, "closed"]);
    expect([environment.alarms, environment.watchers]).toEqual([0, 0]);
  });

  it.each(["error message", "close reason"])("ends for good where another device takes its name: %s", async (how) => {
    const { environment, client, connect } = openFeed();
    const told: FeedError[] = [];
    client.on("error", (error) => told.push(error));
    await connect();
    if (how === "error message") environment.socket.say({ type: "error", code: "REPLACED", message: "taken over" });
    else environment.socket.end("REPLACED");
    await environment.pass(600_000);
    expect(client.status.get()).toMatchObject({ state: "closed", reason: "REPLACED" });
    expect(told.map(({ code, message }) => [code, message])).toEqual([["REPLACED", expect.stringContaining("clientId")]]);
    expect(environment.sockets).toHaveLength(1);
    await expect(client.subscribe({ events: ["fraud"] })).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("brings a fresh token before the old one ends, and fetches one for each connection", async () => {
    let fetched = 0;
    const start = new FakeFeedEnvironment().now();
    const token = () => tokenUntil(start + ++fetched * 600_000);
    const { environment, client, reconnect } = openFeed({ token });
    await settled();
    environment.socket.connected({ timestamp: new Date(start).toISOString() });
    for (let waited = 0; waited < 500; waited += 50) {
      environment.socket.say({ type: "ping", timestamp: TIME, lastEventId: "" });
      await environment.pass(50_000);
    }
    expect(environment.socket.said("reauthenticate")).toEqual([{ type: "reauthenticate", token: tokenUntil(start + 1_200_000) }]);
    await reconnect({ timestamp: new Date(environment.now()).toISOString() });
    expect(environment.socket.url.searchParams.get("token")).toBe(tokenUntil(start + 1_800_000));
    client.disconnect();
  });

  it("comes back with a fresh token where the old one has ended, and not where there is none", async () => {
    const fresh = openFeed({ token: () => "fresh" });
    await fresh.connect();
    fresh.environment.socket.say({ type: "error", code: "TOKEN_EXPIRED", message: "" });
    await fresh.environment.pass(0);
    expect(fresh.environment.sockets).toHaveLength(2);
    const fixed = openFeed({ token: "fixed" });
    await fixed.connect();
    fixed.environment.socket.end("TOKEN_EXPIRED");
    expect(fixed.client.status.get()).toMatchObject({ state: "closed", reason: "TOKEN_EXPIRED" });
    expect(fixed.errors).toEqual([expect.objectContaining({ code: "CLOSED" })]);
  });

  it("ignores what is no message, and types that it does not know", async () => {
    const { environment, errors, client, connect } = openFeed();
    await connect();
    for (const text of ["", "{", "null", "7", '{"type":"later"}', '{"no":"type"}']) environment.socket.sayText(text);
    expect([client.state, errors]).toEqual(["live", []]);
  });

  it("says what is handled before the page goes, and before it ends", async () => {
    const { environment, client, connect } = openFeed();
    await connect();
    environment.socket.sayText(transactionText(1));
    environment.hide();
    expect(environment.socket.acked).toEqual([feedIdOf(1)]);
    environment.socket.sayText(transactionText(2));
    client.disconnect();
    expect(environment.socket.acked).toEqual([feedIdOf(1), feedIdOf(2)]);
    expect(environment.socket.isClosed).toBe(true);
  });
});

describe("callbacks", () => {
  it("get amounts digit for digit", async () => {
    const { environment, client, connect } = openFeed();
    const amounts: string[] = [];
    client.on("transaction", ({ transaction }) => amounts.push(JSON.stringify(transaction.amount), String(transaction.amount)));
    await connect();
    environment.socket.sayText(transactionText(1, { amount: "50000.00" }));
    environment.socket.sayText(transactionText(2, { amount: '"12345678901234567890.10"' }));
    expect(amounts).toEqual(["50000.00", "50000.00", '"12345678901234567890.10"', "12345678901234567890.10"]);
  });

  it("get their kind of event alone, until they end", async () => {
    const { environment, client, connect } = openFeed({ events: ["transaction", "balance", "wallet", "fraud"] });
    const told: string[] = [];
    const tell = ({ type }: { readonly type: string }) => told.push(type);
    const offs = (["transaction", "balance", "wallet", "fraud"] as const).map((name) => client.on(name, tell));
    await connect();
    const say = (first: number) => {
      environment.socket.sayText(transactionText(first));
      environment.socket.sayText(balanceText(first + 1, "1.50"));
      const head = { timestamp: TIME };
      const wallet = { currency: "NGN", action: "FROZEN", status: "FROZEN" } as const;
      environment.socket.say({ type: "wallet", eventId: feedIdOf(first + 2), ...head, wallet });
      const alert = { transactionId: "t", riskScore: 75, reason: "VELOCITY_CHECK", action: "BLOCK" } as const;
      environment.socket.say({ type: "fraud", eventId: feedIdOf(first + 3), ...head, alert });
    };
    say(1);
    for (const off of offs) off();
    say(5);
    expect(told).toEqual(["transaction", "balance", "wallet", "fraud"]);
    await environment.pass(100);
    expect(environment.socket.acked).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((offset) => feedIdOf(offset)));
  });

  it("are acknowledged when their promise resolves, all of them", async () => {
    const { environment, client, connect } = openFeed();
    const finish: (() => void)[] = [];
    for (let count = 0; count < 2; count++) client.on("transaction", () => new Promise<void>((resolve) => finish.push(resolve)));
    await connect();
    environment.socket.sayText(transactionText(1));
    finish[0]?.();
    await environment.pass(1000);
    expect(environment.socket.acked).toEqual([]);
    environment.socket.sayText(transactionText(1));
    expect(finish).toHaveLength(2);
    finish[1]?.();
    await environment.pass(1000);
    expect(environment.socket.acked).toEqual([feedIdOf(1)]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("no");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no"))],
  ])("one that %s silences nobody, and alone gets its event again", async (_how, fail) => {
    const { environment, errors, client, connect } = openFeed();
    const told: string[] = [];
    let failures = 1;
    client.on("transaction", () => {
      told.push("bad");
      return failures-- > 0 ? fail() : undefined;
    });
    client.on("transaction", () => told.push("good"));
    await connect();
    environment.socket.sayText(transactionText(1));
    await environment.pass(1000);
    expect([told, errors, environment.socket.acked]).toEqual([["bad", "good"], [new Error("no")], []]);
    environment.socket.sayText(transactionText(1));
    await environment.pass(1000);
    expect([told, environment.socket.acked]).toEqual([["bad", "good", "bad"], [feedIdOf(1)]]);
  });

  it("get no event twice that they have handled; its ack is said again", async () => {
    const { environment, client, connect, reconnect } = openFeed();
    const told: string[] = [];
    client.on("transaction", ({ eventId }) => told.push(eventId));
    await connect();
    environment.socket.sayText(transactionText(1));
    await reconnect({ resumed: true, subscription: { events: ["transaction", "balance"], filters: {} } });
    environment.socket.sayText(transactionText(1));
    await environment.pass(1000);
    expect([told, environment.socket.acked]).toEqual([[feedIdOf(1)], [feedIdOf(1)]]);
  });

  it("are told of a resync, whose balances follow", async () => {
    const { environment, client, connect } = openFeed();
    const told: string[] = [];
    client.onResync(({ reason }) => told.push(reason));
    client.on("balance", ({ type }) => told.push(type));
    await connect();
    environment.socket.say({ type: "resync", reason: "expired" });
    environment.socket.sayText(balanceText(7, "1"));
    expect(told).toEqual(["expired", "balance"]);
  });

  it("are told of no error where a server goes, and the client comes back when it was asked to", async () => {
    const { environment, errors, client, connect } = openFeed();
    await connect();
    environment.socket.say({ type: "error", code: "SHUTTING_DOWN", message: "", reconnectAfterMs: 700 });
    environment.socket.end();
    const sockets = environment.sockets.length;
    await environment.pass(600);
    expect([errors, client.state, environment.sockets.length]).toEqual([[], "stale", sockets]);
    await environment.pass(200);
    expect(environment.sockets.length).toBe(sockets + 1);
  });

  it("may throw when they are told of anything else", async () => {
    const { environment, errors, client, connect } = openFeed();
    const fail = () => {
      throw new Error("no");
    };
    for (const name of ["connected", "disconnected", "resync", "error"] as const) client.on(name, fail);
    await connect();
    environment.socket.say({ type: "resync", reason: "expired" });
    environment.socket.say({ type: "error", code: "BAD_REQUEST", message: "" });
    environment.socket.end();
    expect(errors).toHaveLength(4);
    expect(client.state).toBe("stale");
  });
});

describe("what stands", () => {
  it("is the newest word of each balance, whatever the order, and kept while the connection is lost", async () => {
    const { environment, client, connect, reconnect } = openFeed();
    await connect();
    environment.socket.sayText(balanceText(5, "10.50"));
    environment.socket.sayText(balanceText(6, "7", "USD"));
    environment.socket.sayText(balanceText(3, "99.00"));
    const shown = client.balances();
    expect(shown.map(({ currency, availableBalance }) => [currency, JSON.stringify(availableBalance)])).toEqual([
      ["NGN", "10.50"],
      ["USD", "7"],
    ]);
    environment.socket.sayText(balanceText(5, "10.50"));
    await reconnect();
    expect(client.balances()).toBe(shown);
    const wallet = { currency: "NGN", action: "FROZEN", status: "FROZEN" } as const;
    environment.socket.say({ type: "wallet", eventId: feedIdOf(9), timestamp: TIME, wallet });
    expect(client.balances()[0]).toMatchObject({ currency: "NGN", status: "FROZEN", timestamp: TIME });
  });

  it("is each transaction once as last told, newest first, no more than asked for", async () => {
    const { environment, client, connect } = openFeed({ keep: 3 });
    await connect();
    expect(client.transactions()).toBe(client.transactions());
    for (const offset of [1, 3, 2, 4, 5, 6, 7, 8, 9]) environment.socket.sayText(transactionText(offset));
    environment.socket.sayText(transactionText(10, { id: "TXN-7", status: "FAILED" }));
    environment.socket.sayText(transactionText(7));
    const shown = client.transactions();
    expect(shown.map(({ transaction: { id, status } }) => `${id} ${status}`)).toEqual(["TXN-7 FAILED", "TXN-9 SUCCESS", "TXN-8 SUCCESS"]);
  });

  it("begins anew where the log has another life, or the token is another user's", async () => {
    const users = ["ann", "bob"];
    const { environment, client, connect, reconnect } = openFeed({ token: () => tokenUntil(9e12, { sub: users.shift() }) });
    await connect();
    environment.socket.sayText(transactionText(50));
    environment.socket.sayText(balanceText(51, "1"));
    environment.socket.sayText(balanceText(2, "3", "NGN", 9));
    expect(client.transactions()).toEqual([]);
    expect(client.balances().map(({ availableBalance }) => availableBalance)).toEqual([3]);
    await reconnect();
    expect(client.balances()).toEqual([]);
    client.disconnect();
  });
});

describe("the client's name", () => {
  const memory = () => {
    const kept = new Map<string, string>();
    return { kept, getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
  };
  const idWith = (storage: TransactionFeedClientStorage) => {
    const environment = Object.assign(new FakeFeedEnvironment(), { chance: 0.3 });
    const client = new TransactionFeedClient({ url: "http://test", storage, environment });
    client.disconnect();
    return client.clientId;
  };
  type TransactionFeedClientStorage = NonNullable<ConstructorParameters<typeof TransactionFeedClient>[0]>["storage"];

  it("is made once and kept", () => {
    const storage = memory();
    const first = idWith(storage);
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect([...storage.kept.values()]).toEqual([first]);
    expect(idWith(storage)).toBe(first);
    storage.setItem("broadtape.clientId", "tablet-7");
    expect(idWith(storage)).toBe("tablet-7");
  });

  it("is made anew where what is kept is none, or nothing can be kept", () => {
    const storage = memory();
    storage.setItem("broadtape.clientId", "not a name");
    expect(idWith(storage)).toMatch(/^[0-9a-f]{32}$/);
    const refused = () => {
      throw new DOMException("denied", "SecurityError");
    };
    expect(idWith({ getItem: refused, setItem: refused })).toMatch(/^[0-9a-f]{32}$/);
    expect(idWith(undefined)).toMatch(/^[0-9a-f]{32}$/);
  });
});
