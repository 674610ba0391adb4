/** Contract 30-transactions "Subscribing to balance gives the balances as they stand first"; 70-details "balances at subscription". */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type TestServer, publisherToken, startTestServer } from "../server.ts";
import { balance, feedClients, payments, tell, walletChange } from "./feed-client.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_REDELIVER_MS: "50" } });
});
afterAll(() => server.remove());
const { plain, named, end } = feedClients(() => server);
afterEach(end);
let last = 0;
const newUser = () => `user-${++last}`;

it("come after `subscribed`, each with the event that set it, and are never sent again", async () => {
  const sub = newUser();
  const [, ngn, usd] = await tell(server, [balance(sub, "NGN", "1"), balance(sub, "NGN", "0.10"), balance(sub, "USD", "1e3")]);
  await tell(server, [balance(sub, "EUR", "9")], await publisherToken("other"));
  for (const client of [await plain({ sub }), await named({ sub })]) {
    await client.subscribe();
    await client.first("balance", 1);
    const [live] = await tell(server, payments(sub, ["t"]));
    await client.idsUpTo("t");
    client.say({ type: "ack", eventId: live });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const types = client.told.map(({ type }) => type);
    expect(types.slice(0, 5)).toEqual(["connected", "subscribed", "balance", "balance", "transaction"]);
    expect(client.all("balance").map(({ eventId, wallet }) => [eventId, (wallet as { currency: string }).currency])).toEqual([
      [ngn, "NGN"],
      [usd, "USD"],
    ]);
    expect(client.all("balance").every((each) => each["redelivered"] === undefined)).toBe(true);
    expect(client.texts.join()).toContain('"availableBalance":0.10,');
    expect(client.texts.join()).toContain('"availableBalance":1e3,');
  }
});

it("are told to nobody who did not ask for them, and again to whoever subscribes again", async () => {
  const sub = newUser();
  await tell(server, [balance(sub, "NGN", "1")]);
  const client = await plain({ sub });
  await client.subscribe({ events: ["transaction", "wallet"] });
  await tell(server, [walletChange(sub, "FROZEN")]);
  await client.first("wallet");
  expect(client.all("balance")).toEqual([]);
  await client.subscribe({ events: ["balance"] });
  await client.first("balance");
  await client.subscribe();
  await client.first("balance", 1);
});

it("stand as of that moment: no balance is missing between them and what comes, and none is older than one told", async () => {
  const sub = newUser();
  await tell(server, [balance(sub, "NGN", "0")]);
  let published = 0;
  const reading = { isOver: false };
  const publishing = (async () => {
    while (!reading.isOver) await tell(server, [balance(sub, "NGN", String(++published))]);
  })();
  for (let reads = 0; reads < 20; reads++) {
    const client = await plain({ sub }, "?ack=none");
    await client.subscribe();
    await client.first("balance", 3);
    const amounts = client.all("balance").map(({ wallet }) => (wallet as { availableBalance: number }).availableBalance);
    const [first = 0] = amounts;
    expect(amounts).toEqual(amounts.map((_, index) => first + index));
    client.close();
  }
  reading.isOver = true;
  await publishing;
});

it("are told to a client that names itself once it subscribes, and not again on its return", async () => {
  const sub = newUser();
  const [eventId] = await tell(server, [balance(sub, "NGN", "1")]);
  const client = await plain({ sub }, "?clientId=device");
  await client.subscribe();
  await client.first("balance");
  client.say({ type: "ack", eventId });
  client.close();
  await client.closed;
  const next = await plain({ sub }, "?clientId=device");
  await tell(server, payments(sub, ["t"]));
  await next.idsUpTo("t");
  // On a slow machine the payment has been sent again by now.
  expect(next.told.map(({ type }) => type).filter((type) => type !== "transaction")).toEqual(["connected"]);
});

it("of the query's subscription come at once, after `subscribed`", async () => {
  const sub = newUser();
  await tell(server, [balance(sub, "NGN", "1")]);
  const client = await plain({ sub }, "?events=balance");
  await client.first("balance");
  expect(client.told.map(({ type }) => type)).toEqual(["connected", "subscribed", "balance"]);
});
