/** Contract 30-transactions "Delivery guarantee": events, filters and position outlive the process, however it ends. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TestServer, startTestServer } from "../server.ts";
import { feedClients, payment, payments, tell } from "./feed-client.ts";

let server: TestServer;
const clients = feedClients(() => server);
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  clients.end();
  await server.remove();
});

async function killed(): Promise<void> {
  await server.kill("SIGKILL");
  server = await server.restart();
}

describe("a subscription that was answered", () => {
  it("is there after a kill -9 at once, and what came since is told", async () => {
    const client = await clients.plain({}, "?clientId=device");
    await client.subscribe({ events: ["transaction"], filters: { maxAmount: 10 } });
    await tell(server, payments("user", ["t"]));
    await killed();
    const next = await clients.plain({}, "?clientId=device");
    expect(next.told[0]).toMatchObject({ resumed: true, subscription: { events: ["transaction"], filters: { maxAmount: 10 } } });
    expect(await next.idsUpTo("t")).toEqual(["t"]);
  });

  it("stands with its last filters, and without what was unsubscribed", async () => {
    const client = await clients.named({}, { clientId: "device", events: "transaction,fraud" });
    await client.subscribe({ events: ["transaction"], filters: { minAmount: 5 } });
    client.say({ type: "unsubscribe", events: ["fraud"] });
    await client.first("unsubscribed");
    await killed();
    const next = await clients.named({}, { clientId: "device" });
    expect(next.told[0]).toMatchObject({ resumed: true, subscription: { events: ["transaction"], filters: { minAmount: 5 } } });
    await tell(server, [payment("user", "small", { amount: "4" }), payment("user", "t")]);
    expect(await next.idsUpTo("t")).toEqual(["t"]);
  });

  it("answers several changes at once each in its turn", async () => {
    const client = await clients.plain({}, "?clientId=device");
    client.say({ type: "subscribe", events: ["fraud"] });
    client.say({ type: "subscribe", events: ["transaction"], filters: { minAmount: 5 } });
    client.say({ type: "unsubscribe", events: ["fraud"] });
    client.say({ type: "subscribe", events: ["wallet"], filters: { minAmount: 6 } });
    await client.first("subscribed", 2);
    expect(client.all("subscribed").at(-1)).toMatchObject({ events: ["transaction", "wallet"], filters: { minAmount: 6 } });
    await tell(server, [payment("user", "five", { amount: "5" }), payment("user", "six", { amount: "6" })]);
    expect(await client.idsUpTo("six")).toEqual(["six"]);
  });
});
