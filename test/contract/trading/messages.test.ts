/** Contract 40-trading "Event types and what clients receive": ten messages, field for field and digit for digit. */
import { io as ioNow } from "socket.io-client";
import { io as io40 } from "socket.io-client-4-0";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, publish, startTestServer } from "../server.ts";
import { EVENT_ID, ISO, MONITOR, balance, created, order, position, say, tell, trade, tradingClients, upToNow } from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { connect, end } = tradingClients(() => server);
afterEach(end);
let last = 0;
const newUser = () => `user-${++last}`;

/** What publishers add by accident, at every depth at which something may be added. */
const INTERNAL = {
  userId: "internal",
  apiKey: "internal",
  pnlBook: { desk: "internal" },
  eventId: "internal",
  toJSON: "internal",
  __v: "internal",
};

const TABLE = [
  ["order.created", order],
  ["order.submitted", order],
  ["order.filled", (id: string) => order(id, { status: "partially_filled", filledQuantity: "0.10", averagePrice: "1.0850" })],
  ["order.cancelled", (id: string) => ({ ...order(id, { status: "canceled" }), reason: "user's wish" })],
  ["order.rejected", (id: string) => ({ ...order(id, { status: "rejected" }), reason: "no funds" })],
  ["position.opened", position],
  ["position.updated", position],
  ["position.closed", (id: string) => position(id, { status: "closed", closedAt: "2026-11-21T13:00:00.000Z" })],
  ["trade.executed", trade],
  ["balance.updated", balance],
] as const;

describe.each([
  ["4.8", ioNow],
  ["4.0", io40],
])("socket.io-client %s", (_version, io) => {
  it("is told each of the ten with the listed fields alone, an eventId and when it happened", async () => {
    const sub = newUser();
    const client = await connect({ sub }, { io });
    await client.follow();
    const events = TABLE.map(([type, about], index) => ({ name: type.replace(".", ":"), about: about(`X${index}`), type }));
    const ids = await tell(
      server,
      events.map(({ type, about }) => {
        const dressed = Object.entries(about).map(([name, each]: [string, object | string]): [string, unknown] => [
          name,
          typeof each === "string" ? each : { ...INTERNAL, ...each },
        ]);
        return say(type, sub, { ...INTERNAL, ...Object.fromEntries(dressed), userId: sub }, { time: "2026-11-21T14:00:00+01:00" });
      }),
    );
    await upToNow(client);
    expect(client.events()).toStrictEqual(
      events.map(({ name, about }, index) => [name, { ...about, timestamp: "2026-11-21T13:00:00.000Z", eventId: ids[index] }]),
    );
    expect(client.texts.join()).not.toContain("internal");
  });

  it("has a reason for a cancelled order where there is one, and none of an order's other events", async () => {
    const sub = newUser();
    const client = await connect({ sub }, { io });
    await client.follow();
    await tell(server, [
      say("order.cancelled", sub, order("a")),
      say("order.cancelled", sub, { ...order("b"), reason: null }),
      say("order.filled", sub, { ...order("c"), reason: "none of its fields" }),
      say("position.closed", sub, { ...position("d"), reason: "none of its fields" }),
    ]);
    await upToNow(client);
    expect(client.events().map(([, body]) => Object.keys(body))).toStrictEqual([
      ["order", "timestamp", "eventId"],
      ["order", "timestamp", "eventId"],
      ["order", "timestamp", "eventId"],
      ["position", "timestamp", "eventId"],
    ]);
  });
});

it("tells every digit as it came, text as text and numbers as numbers", async () => {
  const sub = newUser();
  const client = await connect({ sub });
  await client.follow();
  const quantities = ['"0.10"', "0.10", "12345678901234567890.1234567890", "1E-7", '"-0.00"', "1e2", '"000"', "-0", "0.30000000000000004"];
  const text = (id: string, quantity: string) =>
    JSON.stringify(created(sub, id)).replace('"quantity":"1000000.00"', `"quantity":${quantity}`);
  await tell(
    server,
    quantities.map((quantity, index) => text(`d${index}`, quantity)),
  );
  await upToNow(client);
  const told = client.texts.filter((each) => each.includes("order:created")).map((each) => /"quantity":([^,]+)/.exec(each)?.[1]);
  expect(told).toEqual(quantities);
  await client.follow();
  const [snapshot = ""] = client.texts.filter((each) => each.includes('["subscribed"')).slice(-1);
  expect([...snapshot.matchAll(/"quantity":([^,]+)/g)].map(([, digits]) => digits)).toEqual(quantities);
});

it("says times as ISO 8601 in UTC with milliseconds, however they came, and null or nothing where there is none", async () => {
  const sub = newUser();
  const client = await connect({ sub });
  await client.follow();
  await tell(server, [
    created(sub, "a", { createdAt: 0, filledAt: "2026-02-28T23:59:59.9999999+23:59", price: undefined, averagePrice: undefined }),
    created(sub, "b", { createdAt: 8.64e15, filledAt: null, price: null }),
    created(sub, "c", { createdAt: "0000-01-01T00:00:00+23:59", filledAt: "2028-02-29T00:00:00Z" }),
  ]);
  await upToNow(client);
  expect(client.events().map(([, { order: each }]) => each)).toMatchObject([
    { createdAt: "1970-01-01T00:00:00.000Z", filledAt: "2026-02-28T00:00:59.999Z", price: null, averagePrice: null },
    { createdAt: "+275760-09-13T00:00:00.000Z", price: null },
    { createdAt: "-000001-12-31T00:01:00.000Z", filledAt: "2028-02-29T00:00:00.000Z" },
  ]);
  expect(client.events()[1]?.[1]["order"]).not.toHaveProperty("filledAt");
  for (const [, { timestamp, eventId }] of client.events())
    expect([timestamp, eventId]).toEqual([expect.stringMatching(ISO), expect.stringMatching(EVENT_ID)]);
});

it("keeps an order's own words, of any script, as they came", async () => {
  const sub = newUser();
  const client = await connect({ sub });
  await client.follow();
  const words = { id: "__proto__", type: 'stop-limit \u2028 \ud83d\ude80 "quoted"', status: "constructor" };
  await tell(server, [created(sub, "", words), say("order.rejected", sub, { ...order("r"), reason: "ungültig\n\u0000<script>" })]);
  await upToNow(client);
  expect(client.events().map(([, body]) => body)).toMatchObject([{ order: words }, { reason: "ungültig\n\u0000<script>" }]);
  expect((await client.follow()).snapshot.orders[0]).toMatchObject(words);
});

it("tells a batch in its order and at one go, and grows its ids", async () => {
  const sub = newUser();
  const client = await connect({ sub, permissions: [MONITOR] });
  await client.follow();
  await client.follow(MONITOR);
  const batch = [
    say("order.filled", sub, order("o1", { status: "filled" })),
    created(`${sub}-other`, "foreign"),
    say("trade.executed", sub, trade("t1")),
    say("position.opened", sub, position("p1")),
    say("balance.updated", sub, balance("USD")),
    say("order.filled", sub, order("o1", { status: "closed" })),
  ];
  const ids = await tell(server, batch);
  // Socket.IO's packets of one frame arrive in one task: nothing else runs between them.
  await client.first("balance:updated");
  expect(client.ids()).toEqual(["o1", "foreign", "t1", "p1", "USD", "o1"]);
  expect(client.events().map(([, { eventId }]) => eventId)).toEqual(ids);
  expect(ids).toEqual(ids.toSorted());
  expect(new Set(ids).size).toBe(ids.length);
});

it.each([
  ["an order without its price's digits", say("order.created", "u", order("o", { price: "1.0.0" })), "data.order.price"],
  ["a NaN", say("order.created", "u", order("o", { quantity: "NaN" })), "data.order.quantity"],
  ["an exponent that is none of money", '{"type":"trading.order.created","data":{"userId":"u","order":{"quantity":1e999}}}', undefined],
  ["a day that is none", say("order.created", "u", order("o", { createdAt: "2026-02-30T00:00:00Z" })), "data.order.createdAt"],
  ["a time without a zone", say("order.created", "u", order("o", { createdAt: "2026-02-20T00:00:00" })), "data.order.createdAt"],
  ["a position sideways", say("position.opened", "u", position("p", { side: "flat" })), "data.position.side"],
  ["a trade of an unknown type", say("trade.executed", "u", trade("t", { type: "roll" })), "data.trade.type"],
  ["a balance of no currency", say("balance.updated", "u", balance("")), "data.balance.currency"],
  ["an order under another name", say("order.created", "u", position("p")), "data.order"],
  ["a rejection without its reason", say("order.rejected", "u", order("o")), "data.reason"],
  ["nobody's", say("order.created", "", order("o")), "data.userId"],
])("is published nothing that could not be told: %s", async (_what, event, path) => {
  const { status, body } = await publish(server.url, typeof event === "string" ? event : JSON.stringify(event));
  expect(status).toBe(422);
  if (path !== undefined) expect(body.errors.map((error) => error.path)).toContain(path);
});
