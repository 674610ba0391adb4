/** Contract 00-common "Event ids, order, resume": who comes back from before retention is told so, however it says where it was. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type TestServer, startTestServer, until } from "../server.ts";
import { type TradingClient, created, tell, tradingClients, upToNow } from "./desk.ts";

let server: TestServer;
const sub = "ann";
const auth = { clientId: "desk" };
const { connect, end } = tradingClients(() => server);
let stale: TradingClient;
let forgotten = "";
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_RETENTION: "1s", BROADTAPE_LIMIT_CHECKPOINT_MS: "200" } });
  // Each stays where it is: one keeps its cursor, one its name, one what its wire remembers.
  const named = await connect({ sub }, { auth });
  await named.follow();
  await named.leave();
  stale = await connect({ sub }, { reconnection: true });
  ({ eventId: forgotten } = await stale.follow());
  stale.socket.disconnect();
  await tell(server, [created(sub, "old")]);
  await tell(server, [created(sub, "young")]);
  await until(async () => {
    const client = await connect({ sub });
    await client.follow("trading", forgotten);
    client.socket.disconnect();
    return client.all("resync").length > 0;
  });
  // A node that has not heard yet that it is gone may still know it.
  await until(async () => new Set(await Promise.all(server.nodeUrls.map(oldestOf))).size === 1);
});
afterAll(() => server.remove());

/** Of the events that this node can read, the offset. */
async function oldestOf(url: string): Promise<string | undefined> {
  return /^broadtape_log_oldest_offset (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1];
}
afterEach(end);

async function expectAnew(client: TradingClient): Promise<void> {
  expect(client.all("resync")).toMatchObject([{ reason: "expired" }]);
  expect(client.all("subscribed").at(-1)?.["snapshot"]).toMatchObject({ orders: [{ id: "old" }, { id: "young" }] });
  expect(client.ids()).toEqual([]);
  await client.ask("unsubscribe", { channel: "trading" });
}

it("with a cursor", async () => {
  const client = await connect({ sub });
  await client.follow("trading", forgotten);
  await expectAnew(client);
});

it("with a name, once", async () => {
  const client = await connect({ sub }, { auth });
  await client.follow();
  await client.follow();
  await expectAnew(client);
});

it("with what a stock client's wire remembers, which does not recover it", async () => {
  stale.socket.connect();
  await stale.first("connected", 1);
  await upToNow(stale);
  expect(stale.socket.recovered).toBe(false);
  await stale.follow();
  await expectAnew(stale);
  stale.socket.disconnect();
});
