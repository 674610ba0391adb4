import { describe, expect, it } from "vitest";
import { TIME, feedIdOf, openFeed, transactionText } from "../../testing/fake-feed.ts";
import { settled } from "../../testing/fake-environment.ts";

const HELD = { events: ["transaction", "balance"] as ("transaction" | "balance")[], filters: {} };

describe("the subscription", () => {
  it("is not asked for again where the server has restored it", async () => {
    const { environment, client, connect, reconnect } = openFeed();
    await connect();
    await reconnect({ resumed: true, subscription: HELD });
    expect([environment.socket.sent, client.state]).toEqual([[], "live"]);
  });

  it("is asked for again where the server has forgotten it, from the newest event before which all is handled", async () => {
    const { environment, client, connect, reconnect } = openFeed();
    let fails = false;
    client.on("transaction", () => {
      if (fails) throw new Error("no");
    });
    await connect();
    for (const offset of [1, 2]) environment.socket.sayText(transactionText(offset));
    fails = true;
    environment.socket.sayText(transactionText(3));
    fails = false;
    environment.socket.sayText(transactionText(4));
    await reconnect();
    expect(environment.socket.said("subscribe")).toEqual([{ type: "subscribe", ...HELD, after: feedIdOf(2) }]);
    expect(client.state).toBe("live");
  });

  it("is taken as it is kept where nothing else was asked for, and brought to what was", async () => {
    const kept = { events: ["balance", "fraud"] as ("balance" | "fraud")[], filters: {} };
    const plain = openFeed();
    await plain.connect({ resumed: true, subscription: kept });
    expect([plain.environment.socket.sent, plain.client.subscription]).toEqual([[], kept]);
    const asking = openFeed({ events: ["balance", "wallet"] });
    await asking.connect({ resumed: true, subscription: kept });
    expect(asking.environment.socket.sent).toEqual([
      { type: "subscribe", events: ["balance", "wallet"], filters: {} },
      { type: "unsubscribe", events: ["fraud"] },
    ]);
    expect(new Set(asking.client.subscription.events)).toEqual(new Set(["balance", "wallet"]));
  });

  it("is asked for where the server has kept the device, and nothing that it wants", async () => {
    const { environment, client } = openFeed();
    await settled();
    environment.socket.connected();
    environment.socket.end();
    await environment.pass(1000);
    environment.socket.connected({ resumed: true, subscription: { events: [], filters: {} } });
    environment.socket.accept();
    expect(client.subscription).toEqual(HELD);
  });

  it("grows by events and has its filters replaced; shrinks by events", async () => {
    const { environment, client, connect } = openFeed({ filters: { minAmount: "1000.00", status: ["SUCCESS"] } });
    await connect();
    expect(environment.socket.said("subscribe")[0]?.filters).toEqual({ minAmount: "1000.00", status: ["SUCCESS"] });
    const grown = await client.subscribe({ events: ["fraud"], filters: { currency: "NGN" } });
    expect(grown).toEqual({ events: ["transaction", "balance", "fraud"], filters: { currency: "NGN" } });
    const shrunk = await client.unsubscribe(["balance", "transaction"]);
    expect(shrunk.events).toEqual(["fraud"]);
    expect((await client.unsubscribe(["fraud"])).events).toEqual([]);
    expect(environment.socket.sent).toHaveLength(4);
    await client.unsubscribe(["fraud"]);
    expect(environment.socket.sent).toHaveLength(4);
    expect(client.state).toBe("live");
  });

  it("is asked for one request at a time, also before there is a connection", async () => {
    const { environment, client } = openFeed();
    void client.subscribe({ events: ["fraud"] });
    await settled();
    environment.socket.connected();
    const wallet = client.subscribe({ events: ["wallet"] });
    expect(environment.socket.sent).toEqual([{ type: "subscribe", events: ["fraud"], filters: {} }]);
    environment.socket.accept();
    expect(environment.socket.said("subscribe").at(-1)?.events).toEqual(["fraud", "wallet"]);
    environment.socket.accept();
    expect((await wallet).events).toEqual(["fraud", "wallet"]);
  });

  it("is asked for on the next connection where this one is lost before the answer", async () => {
    const { environment, client, connect, reconnect } = openFeed();
    await connect();
    environment.socket.onSend = () => undefined;
    const asked = client.subscribe({ events: ["fraud"] });
    await reconnect({ resumed: true, subscription: HELD });
    expect((await asked).events).toEqual(["transaction", "balance", "fraud"]);
  });

  it("stays as it is where a change is refused, which is told", async () => {
    const { environment, client, connect } = openFeed();
    const told: unknown[] = [];
    client.on("error", ({ code, path }) => told.push([code, path]));
    await connect();
    environment.socket.onSend = () =>
      environment.socket.say({ type: "error", code: "BAD_REQUEST", message: "", path: "filters.minAmount" });
    await expect(client.subscribe({ filters: { minAmount: "5", maxAmount: "1" } })).rejects.toMatchObject({ code: "BAD_REQUEST" });
    expect([told, client.subscription]).toEqual([[["BAD_REQUEST", "filters.minAmount"]], HELD]);
    await environment.pass(600);
    expect(environment.socket.said("subscribe")).toHaveLength(2);
  });

  it("follows changes that are made elsewhere", async () => {
    const { environment, client, connect, reconnect } = openFeed();
    await connect();
    const changed = { events: ["fraud" as const], filters: { minAmount: 5 } };
    environment.socket.say({ type: "subscribed", ...changed, timestamp: TIME });
    expect(client.subscription).toEqual(changed);
    await reconnect({ resumed: true, subscription: changed });
    expect(environment.socket.sent).toEqual([]);
    await reconnect();
    expect(environment.socket.said("subscribe")).toEqual([{ type: "subscribe", ...changed }]);
  });

  it("keeps below the server's limit, and waits when it is told to", async () => {
    const { environment, client, connect } = openFeed({ onError: () => undefined });
    await connect();
    for (let change = 0; change < 60; change++) {
      void client.subscribe({ events: ["fraud"] });
      await settled();
      void client.unsubscribe(["fraud"]);
      await settled();
    }
    expect(environment.socket.sent).toHaveLength(90);
    await environment.pass(60_000);
    const before = environment.socket.sent.length;
    environment.socket.onSend = () => environment.socket.say({ type: "error", code: "RATE_LIMITED", message: "", retryAfterMs: 5000 });
    const asked = client.subscribe({ events: ["wallet"] });
    await environment.pass(4999);
    expect(environment.socket.sent).toHaveLength(before + 1);
    environment.socket.onSend = () => queueMicrotask(() => environment.socket.accept());
    await environment.pass(1000);
    expect((await asked).events).toContain("wallet");
  });
});
