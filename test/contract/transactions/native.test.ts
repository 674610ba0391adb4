/** Contract 60-native: money as topics of the native protocol: events, filters, history, wallets now and then. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { nativeClients, type Client, type Told } from "../native-client.ts";
import { type TestServer, publisherToken, startTestServer, token, until } from "../server.ts";
import { balance, fraudAlert, payment, payments, tell, walletChange } from "./feed-client.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { welcomed, end } = nativeClients(() => server);
afterEach(end);
let last = 0;
const newUser = () => `user-${++last}`;

const events = (client: Client): Told[] =>
  client.told.flatMap((each) => (each.type === "batch" ? (each["events"] as Told[]) : each.type === "event" ? [each] : []));
const names = (client: Client) => events(client).map(({ event }) => event);
const ids = (client: Client) => events(client).map(({ data }) => (data as { transaction?: { id: string } }).transaction?.id);

async function follow(client: Client, topics: string[], more: Record<string, unknown> = {}): Promise<Told> {
  client.say({ type: "subscribe", id: 1, topics, ...more });
  return client.first("subscribed");
}

async function get(sub: string, path: string, tenantId = "tenant") {
  const response = await fetch(`${server.url}/api/v1/topics/${path}`, {
    headers: { authorization: `Bearer ${await token({ sub, tenantId })}` },
  });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) as Record<string, unknown> & { events: Told[] } };
}

describe("transactions:me, wallets:me and fraud:me", () => {
  it("tell the user's own events of each, one batch of the publisher as one", async () => {
    const sub = newUser();
    const client = await welcomed({ sub });
    const { results } = await follow(client, ["transactions:me", "wallets:me", "fraud:me"]);
    expect(results).toEqual(["transactions:me", "wallets:me", "fraud:me"].map((topic) => ({ topic, ok: true })));
    await tell(server, [
      payment(sub, "a", {}, "transaction.created"),
      balance(sub, "NGN", "1.00"),
      payment(`${sub}x`, "x"),
      walletChange(sub, "FROZEN"),
      fraudAlert(sub),
      payment(sub, "a"),
    ]);
    await client.first("batch");
    expect(names(client)).toEqual(["transaction.created", "wallet.balance", "wallet.changed", "fraud.alert", "transaction.completed"]);
    expect(client.told.filter(({ type }) => type === "batch")).toHaveLength(1);
  });

  it("are nobody else's, whatever the permissions, and a refusal does not tell whether they exist", async () => {
    const sub = newUser();
    await tell(server, [balance(sub, "NGN", "1"), fraudAlert(sub), ...payments(sub, ["t"])]);
    const permissions = ["stream:admin", "trading:monitor", "rfq:read:tenant", "events:publish"];
    const client = await welcomed({ sub: newUser(), permissions });
    const topics = [sub, "nobody"].flatMap((user) => ["transactions", "wallets", "fraud"].map((kind) => `${kind}:${user}`));
    const { results, snapshots } = await follow(client, topics);
    expect(results).toEqual(topics.map((topic) => ({ topic, ok: false, code: "FORBIDDEN" })));
    expect(snapshots).toEqual([]);
    for (const topic of topics)
      for (const what of ["events", "snapshot"]) {
        const refused = await get("stranger", `${topic}/${what}`);
        expect([refused.status, refused.text.includes("NGN")]).toEqual([403, false]);
        const namesake = await get(sub, `${topic}/${what}`, "other");
        expect(namesake.text).not.toMatch(/NGN|unusual/);
      }
  });

  it("keep back of transactions what the filters do, with their digits", async () => {
    const sub = newUser();
    const client = await welcomed({ sub });
    await follow(client, ["transactions:me"], { filters: { minAmount: "0.3", maxAmount: 0.3, currency: ["NGN"] } });
    const amounts = ["0.30", "0.30000000000000004", '"0.3"', "0.29"];
    await tell(
      server,
      amounts.map((amount) => payment(sub, amount, { amount })),
    );
    await tell(server, [payment(sub, "end", { amount: "3e-1" })]);
    await until(() => ids(client).includes("end"));
    expect(ids(client)).toEqual(["0.30", '"0.3"', "end"]);
  });

  it("keep back what a bound does whose digits no binary float has", async () => {
    const sub = newUser();
    const client = await welcomed({ sub });
    client.say('{"type":"subscribe","id":1,"topics":["transactions:me"],"filters":{"minAmount":10000000000000000.2}}');
    await client.first("subscribed");
    await tell(server, [payment(sub, "below", { amount: "10000000000000000.1" }), payment(sub, "at", { amount: "10000000000000000.20" })]);
    await client.first("event");
    expect(ids(client)).toEqual(["at"]);
  });

  it.each([{ filters: { amount: 1 } }, { filters: { minAmount: "x" } }, { filters: { minAmount: 2, maxAmount: 1 } }])(
    "refuse %o with its path",
    async (more) => {
      const client = await welcomed({ sub: newUser() });
      client.say({ type: "subscribe", id: 1, topics: ["transactions:me"], ...more });
      expect(await client.first("error")).toMatchObject({ id: 1, code: "BAD_REQUEST", path: expect.stringMatching(/^filters\./) });
    },
  );

  it("pass digits on and hide secrets, live, in history, and after a resume", async () => {
    const sub = newUser();
    const texts: string[] = [];
    const client = await welcomed({ sub });
    client.socket.on("message", (text: Buffer) => texts.push(text.toString()));
    const { cut } = await follow(client, ["transactions:me", "fraud:me", "wallets:me"]);
    const meta = '{"rate":1.50,"access_token":"s3cret","deep":{"PIN":[4321],"n":1e3}}';
    await tell(server, [payment(sub, "t", { amount: "50000.00", meta }), fraudAlert(sub, { details: meta }), balance(sub, "A", "0.10")]);
    await client.first("batch");
    const resumed = await welcomed({ sub });
    resumed.socket.on("message", (text: Buffer) => texts.push(text.toString()));
    await follow(resumed, ["transactions:me", "fraud:me", "wallets:me"], { after: cut });
    await until(() => names(resumed).length === 3);
    for (const kind of ["transactions", "fraud", "wallets"]) texts.push((await get(sub, `${kind}:me/events`)).text);
    const text = texts.join("\n");
    const shown = '{"rate":1.50,"access_token":"[redacted]","deep":{"PIN":"[redacted]","n":1e3}}';
    expect(text.split(shown)).toHaveLength(7);
    expect(text.split('"amount":50000.00')).toHaveLength(4);
    // In the resumed client's snapshot too.
    expect(text.split('"availableBalance":0.10')).toHaveLength(5);
    expect(text).not.toMatch(/s3cret|4321/);
  });
});

describe("history", () => {
  it("pages through a user's own transactions, in order, each once", async () => {
    const sub = newUser();
    const all = Array.from({ length: 25 }, (_, index) => `t${index}`);
    await tell(server, payments(`${sub}x`, all));
    await tell(server, payments(sub, all));
    await tell(server, payments(sub, ["foreign"]), await publisherToken("other"));
    const seen: unknown[] = [];
    for (let after = ""; ;) {
      const { body } = await get(sub, `transactions:me/events?limit=10${after}`);
      seen.push(...body.events.map(({ data }) => (data as { transaction: { id: string } }).transaction.id));
      if (body.events.length < 10) break;
      after = `&after=${String(body.events.at(-1)?.["eventId"])}`;
    }
    expect(seen).toEqual(all);
  });

  it("shows wallets as they stand, and as they stood at a cursor", async () => {
    const sub = newUser();
    await tell(server, [balance(sub, "NGN", "1.10")]);
    await tell(server, [balance(sub, "USD", "2.20"), walletChange(sub, "FROZEN")]);
    const { body } = await get(sub, "wallets:me/events");
    const [first] = body.events.map(({ eventId }) => String(eventId));
    await tell(server, [balance(sub, "NGN", "3.30")]);
    const now = await get(sub, "wallets:me/snapshot");
    const then = await get(sub, `wallets:me/snapshot?at=${first}`);
    expect([now.status, then.status]).toEqual([200, 200]);
    for (const digits of ["3.30", "2.20"]) expect(now.text).toContain(`"availableBalance":${digits}`);
    expect(now.text).not.toContain("1.10");
    expect(then.text).toContain('"availableBalance":1.10');
    expect(then.text).not.toMatch(/USD|3\.30/);
    const client = await welcomed({ sub });
    const { snapshots } = await follow(client, ["wallets:me"]);
    expect(snapshots).toEqual([{ topic: `wallets:${sub}`, state: now.body["state"] }]);
  });
});
