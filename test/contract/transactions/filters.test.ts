/** Contract 30-transactions "Filters": decimals, bounds, lists, and what is refused. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer, token } from "../server.ts";
import { type FeedClient, balance, feedClients, fraudAlert, payment, tell, walletChange } from "./feed-client.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { plain, named, stream, end } = feedClients(() => server);
afterEach(end);
let last = 0;
const newUser = () => `user-${++last}`;

const BIG = "123456789012345678901234567890";
const AMOUNTS = [
  "-0.01",
  "-0",
  "0",
  '"0.00"',
  '"-0"',
  "1e-30",
  "0.3",
  "0.30000000000000004",
  '"0.30"',
  "10",
  "1e1",
  '"10.000"',
  `${BIG}.1`,
  `"${BIG}.2"`,
];

/** What passes these bounds, by amount. */
const CASES: readonly [filters: string, amounts: readonly string[]][] = [
  ['{"minAmount":0}', AMOUNTS.slice(1)],
  ['{"minAmount":-0}', AMOUNTS.slice(1)],
  ['{"maxAmount":0}', ["-0.01", "-0", "0", '"0.00"', '"-0"']],
  ['{"minAmount":"0","maxAmount":0.00}', ["-0", "0", '"0.00"', '"-0"']],
  ['{"minAmount":0.3,"maxAmount":"0.3"}', ["0.3", '"0.30"']],
  ['{"minAmount":0.30000000000000004,"maxAmount":1}', ["0.30000000000000004"]],
  ['{"minAmount":"10","maxAmount":1.0e1}', ["10", "1e1", '"10.000"']],
  [`{"minAmount":${BIG}.15}`, [`"${BIG}.2"`]],
  [`{"minAmount":"${BIG}.1","maxAmount":"${BIG}.1"}`, [`${BIG}.1`]],
  ['{"minAmount":1e-31,"maxAmount":1e-29}', ["1e-30"]],
];

describe("amounts between bounds, which belong to them, compared as decimals", () => {
  const bounds = (filters: string) => {
    const found = [...filters.matchAll(/"(\w+)":"?([^,"}]+)"?/g)];
    // As text an amount has digits alone, no exponent.
    return found.map(([, name, value = ""]) => `${name}=${value.includes("e") ? Number(value).toFixed(31) : value}`).join("&");
  };
  it.each(CASES)("%s over all three surfaces", async (filters, amounts) => {
    const sub = newUser();
    const socket = await plain({ sub });
    socket.say(`{"type":"subscribe","filters":${filters}}`);
    await socket.first("subscribed");
    const query = await plain({ sub }, `?${bounds(filters)}`);
    await query.first("subscribed");
    const events = await stream({ sub }, `?${bounds(filters)}`);
    const byName = await named({ sub }, Object.fromEntries(new URLSearchParams(bounds(filters))));
    await byName.first("subscribed");
    await tell(server, [...AMOUNTS.map((amount) => payment(sub, amount, { amount })), balance(sub, "NGN", "1")]);
    for (const client of [socket, query, events, byName]) {
      await client.first("balance");
      expect(client.ids()).toEqual(amounts);
    }
  });
});

const told = async (client: FeedClient) => {
  await client.first("balance");
  return client.ids();
};

describe("a filter", () => {
  it.each([
    [{ status: "FAILED" }, ["failed"]],
    [{ status: ["FAILED", "PENDING"] }, ["failed", "pending"]],
    [{ status: "failed" }, []],
    [{ currency: ["USD"] }, ["usd"]],
    [{ type: "CARD", status: "SUCCESS" }, ["card"]],
    [{ counterparty: "Ada, Inc." }, ["ada"]],
    [{ counterparty: "+234" }, ["phone"]],
    [{ counterparty: "Ada" }, []],
    [{ counterparty: ".*" }, []],
  ])("%o lets through what is exactly so", async (filters, ids) => {
    const sub = newUser();
    const client = await plain({ sub });
    await client.subscribe({ filters });
    await tell(server, [
      payment(sub, "failed", { status: '"FAILED"' }),
      payment(sub, "pending", { status: '"PENDING"' }),
      payment(sub, "usd", { currency: '"USD"' }),
      payment(sub, "card", { type: '"CARD"' }),
      payment(sub, "ada", { counterpartyName: '"Ada, Inc."' }),
      payment(sub, "phone", { counterpartyName: '"Bea"', counterpartyPhone: '"+234"' }),
      balance(sub, "NGN", "1"),
    ]);
    expect(await told(client)).toEqual(ids);
  });

  it("narrows transactions only", async () => {
    const sub = newUser();
    const client = await plain({ sub });
    await client.subscribe({ events: ["transaction", "balance", "wallet", "fraud"], filters: { minAmount: 1_000_000, status: "NEVER" } });
    await tell(server, [payment(sub, "t"), walletChange(sub, "CREATED"), fraudAlert(sub), balance(sub, "NGN", "1")]);
    expect(await told(client)).toEqual([]);
    expect([client.all("wallet").length, client.all("fraud").length]).toEqual([1, 1]);
  });

  it("is replaced by the next subscribe, whose events are added", async () => {
    const sub = newUser();
    const client = await plain({ sub });
    expect(await client.subscribe({ events: ["fraud"], filters: { minAmount: 5, status: "SUCCESS" } })).toMatchObject({
      events: ["fraud"],
      filters: { minAmount: 5, status: "SUCCESS" },
    });
    expect(await client.subscribe({ events: ["transaction", "balance"], filters: { maxAmount: "5" } })).toMatchObject({
      events: ["transaction", "balance", "fraud"],
      filters: { maxAmount: "5" },
    });
    await tell(server, [
      payment(sub, "six", { amount: "6" }),
      payment(sub, "four", { amount: "4" }),
      fraudAlert(sub),
      balance(sub, "A", "1"),
    ]);
    expect(await told(client)).toEqual(["four"]);
    expect(client.all("fraud")).toHaveLength(1);
    expect((await client.subscribe({})).filters).toEqual({});
  });
});

const REFUSED: readonly [message: Record<string, unknown>, path: string][] = [
  [{ events: ["transactions"] }, "events.0"],
  [{ events: "transaction" }, "events"],
  [{ events: ["transaction", 1] }, "events.1"],
  [{ filters: { amount: 1 } }, "filters.amount"],
  [{ filters: { minAmount: 1, "status.$regex": ".*" } }, "filters.status.$regex"],
  [{ filters: { minAmount: "a" } }, "filters.minAmount"],
  [{ filters: { minAmount: "" } }, "filters.minAmount"],
  [{ filters: { minAmount: "1_000" } }, "filters.minAmount"],
  [{ filters: { minAmount: "0x10" } }, "filters.minAmount"],
  [{ filters: { minAmount: "Infinity" } }, "filters.minAmount"],
  [{ filters: { minAmount: null } }, "filters.minAmount"],
  [{ filters: { minAmount: [1] } }, "filters.minAmount"],
  [{ filters: { minAmount: 2, maxAmount: "1.99" } }, "filters.minAmount"],
  [{ filters: { status: [] } }, "filters.status"],
  [{ filters: { status: { $ne: "x" } } }, "filters.status"],
  [{ filters: { status: 7 } }, "filters.status"],
  [{ filters: { counterparty: ["a"] } }, "filters.counterparty"],
  [{ filters: [] }, "filters"],
  [{ filters: "minAmount=1" }, "filters"],
];

describe("what is no filter and no event", () => {
  it.each(REFUSED)("%o is BAD_REQUEST with its path, and changes nothing", async (message, path) => {
    const sub = newUser();
    const client = await plain({ sub });
    await client.subscribe({ filters: { maxAmount: 10 } });
    client.say({ type: "subscribe", ...message });
    expect(await client.first("error")).toEqual({ type: "error", code: "BAD_REQUEST", message: expect.any(String), path });
    await tell(server, [payment(sub, "t"), payment(sub, "too big", { amount: "11" }), balance(sub, "NGN", "1")]);
    expect(await told(client)).toEqual(["t"]);
    const byName = await named({ sub });
    const answer = await byName.socket.timeout(10_000).emitWithAck("subscribe", message);
    expect(answer).toMatchObject({ success: false, error: "BAD_REQUEST", path });
  });

  it.each(["events=none", "minAmount=x", "minAmount=1&minAmount=2", "minAmount=3&maxAmount=2", "maxAmount=1e", "events=transaction,nope"])(
    "?%s is answered with 400 on event stream and WebSocket",
    async (query) => {
      const headers = { authorization: `Bearer ${await token()}` };
      const response = await fetch(`${server.url}/api/v1/sse/transactions?${query}`, { headers });
      expect(response.status).toBe(400);
      expect(response.headers.get("x-correlation-id")).toBeTruthy();
      expect(await response.json()).toEqual({ error: "Bad Request", message: expect.any(String), statusCode: 400 });
      await expect(plain({}, `?${query}`)).rejects.toThrow("400");
    },
  );
});
