/** Contract 30-transactions "Managing subscriptions over REST", 70-details "subscriptions REST": what clients follow, and who is connected. */
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { connectionList, subscriptionList, subscriptionState } from "@broadtape/protocol/rest";
import { type TestServer, startTestServer, token, until } from "./server.ts";
import { type Claims, feedClients, payment, tell } from "./transactions/feed-client.ts";
import { onOneNode } from "./one-node.ts";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const MADE_UP = "9b3f1c1e-0000-4000-8000-000000000000";
const MOST = 5;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_SUBSCRIPTIONS_PER_USER: String(MOST) } });
});
afterAll(() => server.remove());
const clients = feedClients(() => server);
afterEach(() => {
  clients.end();
});

interface Subscription {
  readonly id: string;
  readonly clientId: string;
  readonly events: readonly string[];
  readonly filters: Record<string, unknown>;
  readonly createdAt: string;
  readonly updatedAt: string;
}

interface Answer<T> {
  readonly status: number;
  readonly text: string;
  readonly body: T;
  readonly headers: Headers;
}

async function ask<T = Subscription>(method: string, path: string, claims: Claims = {}, body?: unknown): Promise<Answer<T>> {
  const response = await fetch(`${server.url}/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${await token(claims)}`, ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, body: (text === "" ? undefined : JSON.parse(text)) as T, headers: response.headers };
}

const list = async (claims: Claims = {}) =>
  subscriptionList.parse((await ask("GET", "subscriptions", claims)).body).subscriptions as unknown as Subscription[];

interface Connection {
  readonly id: string;
  readonly userId: string;
}

const connections = async (claims: Claims) =>
  connectionList.parse((await ask("GET", "connections", claims)).body).connections as readonly Connection[];

describe("a subscription", () => {
  it("is made, read, changed and deleted", async () => {
    const ann = { sub: "life" };
    const made = await ask("POST", "subscriptions", ann, { clientId: "phone", events: ["balance", "transaction"], filters: {} });
    const state = {
      id: expect.any(String),
      clientId: "phone",
      events: ["transaction", "balance"],
      filters: {},
      createdAt: expect.stringMatching(ISO),
      updatedAt: expect.stringMatching(ISO),
    };
    expect(made).toMatchObject({ status: 201, body: state });
    expect(Object.keys(made.body)).toEqual(Object.keys(state));
    const { id, createdAt } = made.body;
    expect(made.headers.get("location")).toBe(`/api/v1/subscriptions/${id}`);
    expect(await list(ann)).toEqual([made.body]);
    expect(await ask("GET", `subscriptions/${id}`, ann)).toMatchObject({ status: 200, body: made.body });

    const changed = await ask("PATCH", `subscriptions/${id}`, ann, { events: ["fraud"] });
    expect(changed).toMatchObject({ status: 200, body: { ...state, id, createdAt, events: ["fraud"], filters: {} } });
    const narrowed = await ask("PATCH", `subscriptions/${id}`, ann, { filters: { status: "FAILED" } });
    expect(narrowed).toMatchObject({ status: 200, body: { id, events: ["fraud"], filters: { status: "FAILED" } } });
    expect(await ask("PATCH", `subscriptions/${id}`, ann, {})).toMatchObject({
      body: { events: ["fraud"], filters: { status: "FAILED" } },
    });
    expect(await ask("PATCH", `subscriptions/${id}`, ann, { filters: null })).toMatchObject({ body: { filters: {} } });

    const { status, text } = await ask("DELETE", `subscriptions/${id}`, ann);
    expect([status, text]).toEqual([204, ""]);
    expect(await list(ann)).toEqual([]);
    for (const method of ["GET", "DELETE"]) expect(await ask(method, `subscriptions/${id}`, ann)).toMatchObject({ status: 404 });
  });

  it("has a name made up for its client where none is given, and wants transactions and balances where nothing is said", async () => {
    const { status, body } = await ask("POST", "subscriptions", { sub: "nameless" }, {});
    expect([status, body.events, body.filters]).toEqual([201, ["transaction", "balance"], {}]);
    expect(body.clientId).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
  });

  it("of a client that has one takes its place, so that whoever lost the answer may ask again", async () => {
    const ann = { sub: "again" };
    const first = await ask("POST", "subscriptions", ann, { clientId: "tab", events: ["balance"] });
    const second = await ask("POST", "subscriptions", ann, { clientId: "tab", events: ["fraud"], filters: { currency: "NGN" } });
    expect([first.status, second.status]).toEqual([201, 200]);
    const { id, createdAt } = first.body;
    expect(second.body).toMatchObject({ id, createdAt, events: ["fraud"], filters: { currency: "NGN" } });
    expect(await list(ann)).toHaveLength(1);
  });

  it("keeps every digit of its amounts", async () => {
    const filters = '{"minAmount":50000.00,"maxAmount":"123456789012345678.10"}';
    const made = await ask("POST", "subscriptions", { sub: "digits" }, `{"clientId":"d","events":["transaction"],"filters":${filters}}`);
    const read = await ask("GET", `subscriptions/${made.body.id}`, { sub: "digits" });
    const listed = await ask("GET", "subscriptions", { sub: "digits" });
    const patched = await ask("PATCH", `subscriptions/${made.body.id}`, { sub: "digits" }, '{"filters":{"minAmount":0.10}}');
    for (const { text } of [made, read, listed]) expect(text).toContain(`"filters":${filters}`);
    expect(patched.text).toContain('"filters":{"minAmount":0.10}');
  });

  it("is its user's alone: a foreign one is as unknown as none", async () => {
    const { body } = await ask("POST", "subscriptions", { sub: "own" }, { events: ["balance"] });
    const strangers: Claims[] = [
      { sub: "other" },
      { sub: "own", tenantId: "elsewhere" },
      { sub: "admin", permissions: ["stream:admin", "trading:monitor"] },
    ];
    for (const stranger of strangers) {
      expect(await list(stranger)).toEqual([]);
      for (const method of ["GET", "PATCH", "DELETE"]) {
        const change = method === "PATCH" ? { events: ["fraud"] } : undefined;
        const foreign = await ask(method, `subscriptions/${body.id}`, stranger, change);
        const unknown = await ask(method, `subscriptions/${MADE_UP}`, stranger, change);
        expect([foreign.status, foreign.text]).toEqual([404, unknown.text]);
      }
    }
    expect(await ask("GET", `subscriptions/${body.id}`, { sub: "own" })).toMatchObject({ status: 200, body });
  });

  it.each([
    ["an unknown filter", { events: ["transaction"], filters: { colour: "red" } }, /^filters\.colour: must be one of minAmount, /],
    ["an unknown kind of event", { events: ["transaction", "weather"] }, /^events\.1: must be one of /],
    ["no kind of event", { events: [] }, /^events: must name at least one/],
    ["events that are no list", { events: "balance" }, /^events: /],
    ["a bound that is no decimal", { events: ["balance"], filters: { minAmount: "much" } }, /^filters\.minAmount: /],
    ["bounds that leave nothing", { filters: { minAmount: 2, maxAmount: 1 } }, /^filters\.minAmount: must not be above maxAmount/],
    ["filters that are no object", { events: ["balance"], filters: [] }, /^filters: /],
    ["a list for a body", [], /^the body is not valid/],
    ["a body that is no JSON", "{", /^the body is not JSON/],
    ["an empty body", "", /^the body is not JSON/],
  ])("is refused with the path for %s, made or changed", async (_what, body, message) => {
    const ann = { sub: "bad" };
    const standing = await ask("POST", "subscriptions", ann, { clientId: "standing", events: ["fraud"] });
    const refusal = { status: 400, body: { error: "Bad Request", message: expect.stringMatching(message), statusCode: 400 } };
    expect(await ask("POST", "subscriptions", ann, body)).toMatchObject(refusal);
    expect(await ask("PATCH", `subscriptions/${standing.body.id}`, ann, body)).toMatchObject(refusal);
    expect(await list(ann)).toMatchObject([{ clientId: "standing", events: ["fraud"] }]);
  });

  it.each(["", "a b", "ä", "x".repeat(65), 7])("is refused for a client that calls itself %j", async (clientId) => {
    const { status, text } = await ask("POST", "subscriptions", { sub: "bad" }, { clientId, events: ["fraud"] });
    expect([status, text]).toEqual([400, expect.stringContaining("clientId: ")]);
  });

  it("is one of a bounded number, however many are asked for at once", async () => {
    const ann = { sub: "many" };
    const asked = Array.from({ length: MOST + 5 }, (_, index) => ask("POST", "subscriptions", ann, { clientId: `c${index}` }));
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(MOST).fill(201), ...Array(5).fill(429)]);
    const all = await list(ann);
    expect(all).toHaveLength(MOST);
    expect(await ask("POST", "subscriptions", ann, { clientId: all[0]?.clientId, events: ["fraud"] })).toMatchObject({ status: 200 });
    await ask("DELETE", `subscriptions/${all[0]?.id}`, ann);
    expect(await ask("POST", "subscriptions", ann, {})).toMatchObject({ status: 201 });
  });

  it("needs a login, by token or by session", async () => {
    for (const [method, path] of [
      ["GET", "subscriptions"],
      ["POST", "subscriptions"],
      ["GET", `subscriptions/${MADE_UP}`],
      ["PATCH", `subscriptions/${MADE_UP}`],
      ["DELETE", `subscriptions/${MADE_UP}`],
      ["GET", "connections"],
      ["DELETE", `connections/${MADE_UP}`],
    ] as const) {
      expect((await fetch(`${server.url}/api/v1/${path}`, { method })).status).toBe(401);
    }
    const authorization = `Bearer ${await token({ sub: "cookie" })}`;
    const session = await fetch(`${server.url}/api/session`, { method: "POST", headers: { authorization } });
    const cookie = session.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
    expect((await fetch(`${server.url}/api/v1/subscriptions`, { headers: { cookie } })).status).toBe(200);
  });
});

describe("a live connection", () => {
  it("is told of a change at once, and told what it then follows and nothing else", async () => {
    const ann = { sub: "live" };
    const client = await clients.plain(ann, "?clientId=desk");
    await client.subscribe({ events: ["fraud"] });
    const [standing] = await list(ann);
    expect(standing).toMatchObject({ clientId: "desk", events: ["fraud"] });

    await ask("PATCH", `subscriptions/${standing?.id}`, ann, '{"events":["transaction"],"filters":{"minAmount":100.00}}');
    const told = await client.first("subscribed", 1);
    expect(told).toMatchObject({ events: ["transaction"], timestamp: expect.stringMatching(ISO) });
    expect(client.texts.at(-1)).toContain('"filters":{"minAmount":100.00}');
    await tell(server, [payment("live", "small", { amount: "99.99" }), payment("live", "large", { amount: "100" })]);
    expect(await client.idsUpTo("large")).toEqual(["large"]);
    expect(await ask("GET", `subscriptions/${standing?.id}`, ann)).toMatchObject({ body: { events: ["transaction"] } });

    await ask("DELETE", `subscriptions/${standing?.id}`, ann);
    expect(await client.first("subscribed", 2)).toMatchObject({ events: [] });
    await tell(server, [payment("live", "unseen", { amount: "500" })]);
    await client.subscribe({ events: ["transaction"] });
    await tell(server, [payment("live", "seen", { amount: "1" })]);
    expect(await client.idsUpTo("seen")).toEqual(["large", "seen"]);
    expect(await list(ann)).toMatchObject([{ clientId: "desk", events: ["transaction"], filters: {} }]);
  });

  it("that left everything has a subscription until it is deleted, and none comes back when it goes", async () => {
    const ann = { sub: "left" };
    const client = await clients.plain(ann, "?clientId=old");
    await client.subscribe({ events: ["transaction"] });
    client.say({ type: "unsubscribe", events: ["transaction"] });
    await client.first("unsubscribed");
    const [standing] = await list(ann);
    expect(standing).toMatchObject({ clientId: "old", events: [] });
    expect(await ask("DELETE", `subscriptions/${standing?.id}`, ann)).toMatchObject({ status: 204 });
    client.close();
    await until(async () => (await connections(ann)).length === 0);
    expect(await list(ann)).toEqual([]);
  });

  it("that follows nothing yet is given what is asked for it", async () => {
    const ann = { sub: "given" };
    const client = await clients.named(ann, { clientId: "tablet" });
    await ask("POST", "subscriptions", ann, { clientId: "tablet", events: ["transaction"], filters: { currency: ["NGN", "USD"] } });
    expect(await client.first("subscribed")).toMatchObject({ events: ["transaction"], filters: { currency: ["NGN", "USD"] } });
    await tell(server, [payment("given", "other", { currency: '"EUR"' }), payment("given", "one")]);
    expect(await client.idsUpTo("one")).toEqual(["one"]);
  });

  it("of a client that comes later finds what was asked for it, and what it missed since", async () => {
    const ann = { sub: "later" };
    await ask("POST", "subscriptions", ann, { clientId: "watch", events: ["transaction"], filters: { status: "FAILED" } });
    await tell(server, [payment("later", "fine"), payment("later", "failed", { status: '"FAILED"' })]);
    const client = await clients.plain(ann, "?clientId=watch");
    expect(await client.first("connected")).toMatchObject({
      resumed: true,
      subscription: { events: ["transaction"], filters: { status: "FAILED" } },
    });
    expect(await client.idsUpTo("failed")).toEqual(["failed"]);
  });
});

it.each(["SIGTERM", "SIGKILL"] as const)("outlives the server's end by %s", async (signal) => {
  const ann = { sub: `survivor-${signal}` };
  const made = await ask("POST", "subscriptions", ann, '{"clientId":"s","events":["fraud"],"filters":{"maxAmount":7.50}}');
  await server.kill(signal);
  server = await server.restart();
  const { text, body } = await ask("GET", `subscriptions/${made.body.id}`, ann);
  expect(subscriptionState.safeParse(body).success).toBe(true);
  expect(text).toBe(made.text);
});

describe("connections", () => {
  it("are listed to their user: who, where from, since when, and that they live", async () => {
    const client = await clients.plain({ sub: "seen" }, "?clientId=screen");
    const connected = await client.first("connected");
    await clients.stream({ sub: "seen" });
    await clients.plain({ sub: "unseen" });
    const [first, second, ...more] = await connections({ sub: "seen" });
    expect(first).toEqual({
      id: connected["connectionId"],
      userId: "seen",
      clientId: "screen",
      surface: "transactions",
      connectedAt: expect.stringMatching(ISO),
      lastActivity: expect.stringMatching(ISO),
      ipAddress: "127.0.0.1",
      userAgent: null,
      status: "CONNECTED",
    });
    expect(second).toMatchObject({ surface: "transactions-stream", clientId: null });
    expect(more).toEqual([]);
  });

  it("are listed to an operator as those of the own tenant", async () => {
    await clients.plain({ sub: "a", tenantId: "house" });
    await clients.plain({ sub: "b", tenantId: "house" });
    await clients.plain({ sub: "c", tenantId: "neighbours" });
    const users = (await connections({ sub: "op", tenantId: "house", permissions: ["stream:admin"] })).map(({ userId }) => userId);
    expect(users.sort()).toEqual(["a", "b"]);
  });

  it("are ended by their user or the tenant's operator, and told so; by nobody else", async () => {
    const { closed, first, ...client } = await clients.plain({ sub: "owner", tenantId: "house" });
    const id = String((await first("connected"))["connectionId"]);
    const operator = { sub: "op", permissions: ["stream:admin"] };
    for (const stranger of [{ sub: "x", tenantId: "house" }, { sub: "owner" }, { ...operator, tenantId: "neighbours" }]) {
      const [foreign, unknown] = [await ask("DELETE", `connections/${id}`, stranger), await ask("DELETE", "connections/none", stranger)];
      expect([foreign.status, foreign.text]).toEqual([404, unknown.text]);
    }
    expect(client.told.filter(({ type }) => type === "error")).toEqual([]);
    expect(await ask("DELETE", `connections/${id}`, { ...operator, tenantId: "house" })).toMatchObject({ status: 204, text: "" });
    expect(await first("error")).toMatchObject({ code: "FORBIDDEN", message: "the connection was ended by an operator" });
    expect(await closed).toMatch(/^1008/);
    expect(await ask("DELETE", `connections/${id}`, { sub: "owner", tenantId: "house" })).toMatchObject({ status: 404 });

    const own = await clients.plain({ sub: "owner" });
    const [{ id: ownId } = { id: "" }] = await connections({ sub: "owner" });
    expect(await ask("DELETE", `connections/${ownId}`, { sub: "owner" })).toMatchObject({ status: 204 });
    expect(await own.first("error")).toMatchObject({ message: "the connection was ended by its user" });
    expect(await connections({ sub: "owner" })).toEqual([]);
  });

  onOneNode("the registry is a file of the data directory")(
    "are in the registry with their beginning and end, and those that a kill left open are ended by the next start",
    async () => {
      const rows = (user: string) => {
        const registry = new Database(join(server.directory, "registry.db"), { readonly: true });
        try {
          return registry.prepare("select * from websocket_connections where user_id = ? order by connected_at").all(user) as Row[];
        } finally {
          registry.close();
        }
      };
      const client = await clients.plain({ sub: "noted" }, "?clientId=n");
      const connectionId = (await client.first("connected"))["connectionId"];
      const open = { connection_id: connectionId, client_id: "n", surface: "transactions", status: "CONNECTED", disconnected_at: null };
      await until(() => rows("noted").length === 1);
      expect(rows("noted")).toMatchObject([open]);
      client.close();
      await until(() => rows("noted")[0]?.status === "DISCONNECTED");
      const { connected_at: connectedAt, disconnected_at: disconnectedAt } = rows("noted")[0] ?? {};
      expect(disconnectedAt).toBeGreaterThanOrEqual(connectedAt ?? Infinity);

      await clients.named({ sub: "killed" });
      await until(() => rows("killed").length === 1);
      expect(rows("killed")).toMatchObject([{ surface: "transactions-socket-io", socket_id: expect.any(String), status: "CONNECTED" }]);
      await server.kill("SIGKILL");
      server = await server.restart();
      await until(() => rows("killed")[0]?.status === "DISCONNECTED");
      expect(rows("killed")[0]?.disconnected_at).toEqual(expect.any(Number));
    },
  );
});

interface Row {
  readonly connected_at: number;
  readonly disconnected_at: number | null;
  readonly status: string;
}
