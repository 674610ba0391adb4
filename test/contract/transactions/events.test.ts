/** Contract 30-transactions "Event types", "The same feed on three surfaces": what is told to whom, digit for digit. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, publish, publisherToken, startTestServer } from "../server.ts";
import { EVENT_ID, type FeedClient, balance, feedClients, fraudAlert, payment, tell, walletChange } from "./feed-client.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { plain, named, stream, end } = feedClients(() => server);
afterEach(end);

const ALL = ["transaction", "balance", "wallet", "fraud"];
const SURFACES: readonly (readonly [string, (sub: string, tenantId?: string) => Promise<FeedClient>])[] = [
  [
    "a plain WebSocket",
    async (sub, tenantId = "tenant") => {
      const client = await plain({ sub, tenantId });
      await client.subscribe({ events: ALL });
      return client;
    },
  ],
  [
    "Socket.IO",
    async (sub, tenantId = "tenant") => {
      const client = await named({ sub, tenantId });
      await client.subscribe({ events: ALL });
      return client;
    },
  ],
  ["an event stream", async (sub, tenantId = "tenant") => stream({ sub, tenantId }, `?events=${ALL.join(",")}`)],
];
let last = 0;
const newUser = () => `user-${++last}`;

describe.each(SURFACES)("over %s", (surface, open) => {
  const type = (each: Record<string, unknown>) => each["type"];

  it("tells transactions, balances, wallets and fraud alerts, in the order of the log", async () => {
    const sub = newUser();
    const client = await open(sub);
    const ids = await tell(server, [
      payment(sub, "t", { counterpartyName: '"Ada"', fees: "0.50", description: '"rent"' }, "transaction.created"),
      balance(sub, "NGN", "50000.00"),
      walletChange(sub, "FROZEN"),
      fraudAlert(sub),
      payment(sub, "end"),
    ]);
    await client.idsUpTo("end");
    const told = client.told.filter((each) => ALL.includes(each.type));
    expect(told.map(({ eventId }) => eventId)).toEqual(ids);
    for (const eventId of ids) expect(eventId).toMatch(EVENT_ID);
    const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const head = (type: string) => ({ type, eventId: expect.stringMatching(EVENT_ID), timestamp });
    const wallet = { currency: "NGN", availableBalance: 50000, ledgerBalance: 50000, pendingAmount: 0, lockedAmount: 0 };
    const bare = told.map(({ streamId: _, ...each }) => each);
    expect(bare.slice(0, 4)).toEqual([
      {
        ...head("transaction"),
        transaction: {
          id: "t",
          amount: 10,
          currency: "NGN",
          type: "TRANSFER",
          status: "SUCCESS",
          counterpartyName: "Ada",
          description: "rent",
          createdAt: "2026-01-02T03:04:05.000Z",
          fees: 0.5,
        },
      },
      { ...head("balance"), wallet },
      { ...head("wallet"), wallet: { currency: "NGN", action: "FROZEN", status: "ACTIVE" } },
      { ...head("fraud"), alert: { transactionId: "t", riskScore: 0.97, reason: "unusual", action: "REVIEW" } },
    ]);
    if (surface === "an event stream") for (const each of told) expect(each["streamId"]).toBe(each.eventId);
  });

  it.each(["50000.00", "1e3", "0.10", '"50000.00"', '"0.10"', "-0", "-0.00", "123456789012345678901234567890.10", "0.30000000000000004"])(
    "passes the amount %s on digit for digit, balances as they stand too",
    async (digits) => {
      const sub = newUser();
      await tell(server, [balance(sub, "USD", digits)]);
      const client = await open(sub);
      await tell(server, [payment(sub, "t", { amount: digits, fees: digits }), balance(sub, "NGN", digits)]);
      await client.first("balance", 1);
      const text = client.texts.join("\n");
      expect(text).toContain(`"amount":${digits},`);
      expect(text).toContain(`"fees":${digits}`);
      expect(text.split(`"availableBalance":${digits},`)).toHaveLength(3);
    },
  );

  it("passes digits of free-form fields and risk scores on, and hides what must not be seen there", async () => {
    const sub = newUser();
    const client = await open(sub);
    const secrets = '{"note":"ok","rate":1.50,"Card-Number":"4111","deep":[{"API_KEY":"k1","x":0.10,"pin":1234}],"iban":{"a":"DE89"}}';
    await tell(server, [payment(sub, "t", { meta: secrets }), fraudAlert(sub, { details: secrets })]);
    await client.first("fraud");
    const shown =
      '{"note":"ok","rate":1.50,"Card-Number":"[redacted]","deep":[{"API_KEY":"[redacted]","x":0.10,"pin":"[redacted]"}],"iban":"[redacted]"}';
    const text = client.texts.join("\n");
    expect(text).toContain(`"meta":${shown}`);
    expect(text).toContain(`"details":${shown}`);
    expect(text).toContain('"riskScore":0.970');
    for (const secret of ["4111", "k1", "1234", "DE89"]) expect(text).not.toContain(secret);
  });

  it("tells nobody of another user's or another tenant's", async () => {
    const sub = newUser();
    const own = await open(sub);
    const namesake = await open(sub, "other");
    const neighbour = await open(`${sub}x`);
    const bearer = await publisherToken("other");
    await tell(server, [payment(sub, "mine"), fraudAlert(sub), payment(`${sub}x`, "neighbour's")]);
    await tell(server, [payment(sub, "namesake's"), walletChange(sub, "CLOSED")], bearer);
    await tell(server, [payment(sub, "end"), payment(`${sub}x`, "end")]);
    await tell(server, [payment(sub, "end")], bearer);
    expect(await own.idsUpTo("end")).toEqual(["mine", "end"]);
    expect(await neighbour.idsUpTo("end")).toEqual(["neighbour's", "end"]);
    expect(await namesake.idsUpTo("end")).toEqual(["namesake's", "end"]);
    expect([own, neighbour, namesake].map((each) => each.all("fraud").length)).toEqual([1, 0, 0]);
    expect(own.told.map(type)).not.toContain("wallet");
  });
});

describe("a publisher's event", () => {
  it.each([
    ["no user", '{"type":"transaction.completed","data":{}}'],
    ["an amount that is no number", payment("u", "t", { amount: '"ten"' })],
    ["an amount of another kind", payment("u", "t", { amount: "true" })],
    ["an amount that is null", payment("u", "t", { amount: "null" })],
    ["an unknown wallet action", walletChange("u", "BURNT")],
    ["an unknown fraud action", fraudAlert("u", { action: '"MAYBE"' })],
    ["a user id that would be a list", payment("a,b", "t")],
  ])("with %s is refused with 422 and its path, and nobody is told", async (_what, text) => {
    const { status, body } = await publish(server.url, text);
    expect(status).toBe(422);
    expect(body.errors[0]).toMatchObject({ index: 0, path: expect.stringContaining("data"), message: expect.any(String) });
  });
});
