/** Contract 00-common "Identity", 20-rfq "a refused subscription answers {success: false}, whatever the cause". */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer } from "../server.ts";
import { type Body, type Claims, bearer, cancel, create, distribute, quote, rfqClients, tell, upToNow } from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    env: { BROADTAPE_LIMIT_RFQ_COMMANDS_BURST: "100000", BROADTAPE_LIMIT_RFQ_COMMANDS_PER_SECOND: "100000" },
  });
});
afterAll(() => server.remove());
const { connect, end } = rfqClients(() => server);
afterEach(end);
let last = 0;
const newId = () => `e-${++last}`;

const TEAM = ["rfq:read:team"];
const TENANT = ["rfq:read:tenant"];
const READERS: [string, Claims, boolean][] = [
  ["its own trader", { sub: "ann" }, true],
  ["its own trader, whose team is others", { sub: "ann", permissions: TEAM, team: ["bob"] }, true],
  ["who may read the team's, with the trader in it", { sub: "lead", permissions: TEAM, team: ["bob", "ann"] }, true],
  ["who may read the tenant's", { sub: "risk", permissions: TENANT }, true],
  ["another trader", { sub: "bob" }, false],
  ["who has the trader in the team, without the permission", { sub: "lead", team: ["ann"] }, false],
  ["who may read the team's, without a team", { sub: "lead", permissions: TEAM }, false],
  ["who may read the team's, which is empty", { sub: "lead", permissions: TEAM, team: [] }, false],
  ["who may read the team's, with others in it", { sub: "lead", permissions: TEAM, team: ["Ann", "ann ", "ann*", "*"] }, false],
  ["a publisher", { sub: "publisher", permissions: ["events:publish", "events:publish:any"] }, false],
  ["a monitor and administrator", { sub: "admin", permissions: ["trading:monitor", "stream:admin"] }, false],
  ["a trader of that name in another tenant", { sub: "ann", tenantId: "other" }, false],
  ["who may read another tenant's", { sub: "risk", tenantId: "other", permissions: TENANT }, false],
  ["who has the trader in a team of another tenant", { sub: "lead", tenantId: "other", permissions: TEAM, team: ["ann"] }, false],
];

it.each(READERS)("%s: %o", async (_who, claims, may) => {
  const rfqId = newId();
  await tell(server, [create(rfqId), distribute(rfqId)]);
  const client = await connect(claims);
  const answer = await client.ask("subscribe:rfq", { rfqId });
  expect(answer["success"]).toBe(may);
  const feed = await client.ask("subscribe:trader", { traderId: "ann" });
  const isOfOtherTenant = claims.tenantId === "other";
  if (!isOfOtherTenant) expect(feed["success"]).toBe(may);
  await tell(server, [quote(rfqId, "q", { askPrice: 1 }), cancel(rfqId), create(`${rfqId}-next`)]);
  await upToNow(server, client, claims);
  const own = claims.sub === "ann" && !isOfOtherTenant;
  const told = client.steps().filter(([, body]) => String(body["rfqId"]).startsWith(rfqId));
  expect(told.map(([name]) => name)).toEqual(may ? ["quote:received", "rfq:cancelled", "rfq:created"] : []);
  if (!may) {
    expect(client.all("rfq:countdown")).toEqual([]);
    expect(client.texts.join("\n")).not.toMatch(/EUR\/USD.*lp-q|no longer/);
  }
  expect(own && !may).toBe(false);
});

it.each(["auth0|5f7c8ec7c33c", "Ann O'Neill", "é".repeat(256)])("a trader may be called %j, as the token says it", async (sub) => {
  const rfqId = newId();
  const client = await connect({ sub });
  expect(await client.ask("subscribe:trader")).toMatchObject({ success: true });
  await tell(server, [create(rfqId, { traderId: sub }), distribute(rfqId)]);
  await client.first("rfq:created");
  await client.follow(rfqId);
  await tell(server, [quote(rfqId, "q"), cancel(rfqId)]);
  await client.first("rfq:cancelled");
  expect(client.steps().map(([name]) => name)).toEqual(["rfq:created", "quote:received", "rfq:cancelled"]);
});

describe("a refusal", () => {
  const MALFORMED = [
    "",
    " ",
    "a b",
    "*",
    "#",
    "x".repeat(129),
    "x".repeat(10_000),
    "é",
    "..",
    "-",
    "a,b",
    "\u0000",
    "rfq:\n",
    "__proto__",
    "a\u2028",
  ];

  it("is the same for what is unknown, somebody else's, another tenant's or malformed", async () => {
    const [foreign, elsewhere] = [newId(), newId()];
    await tell(server, [create(foreign)]);
    await tell(server, [create(elsewhere, { traderId: "bob" })], "other");
    const client = await connect({ sub: "bob" });
    for (const rfqId of [foreign, elsewhere, newId(), ...MALFORMED]) {
      for (const after of [undefined, "nonsense", "1-zzzzzzzzz"]) {
        expect({ rfqId, answer: await client.ask("subscribe:rfq", { rfqId, ...(after !== undefined && { after }) }) }).toEqual({
          rfqId,
          answer: { success: false, error: "NOT_AVAILABLE" },
        });
      }
    }
    for (const traderId of ["ann", "nobody", ...MALFORMED.filter((each) => each !== "")])
      expect(await client.ask("subscribe:trader", { traderId })).toEqual({ success: false, error: "NOT_AVAILABLE" });
    expect(client.steps()).toEqual([]);
    expect(client.socket.connected).toBe(true);
  });

  it("takes as long for what exists as for what does not", async () => {
    const ids = Array.from({ length: 20 }, newId);
    await tell(
      server,
      ids.flatMap((id) => [create(id), ...Array.from({ length: 100 }, (_, index) => quote(id, `q${index}`, { askPrice: index }))]),
    );
    const client = await connect({ sub: "bob" });
    // One beside the other, so that whatever else this machine does slows both.
    const taken: [exists: number[], unknown: number[]] = [[], []];
    for (let round = 0; round < 12; round++) {
      for (const rfqId of ids.flatMap((id) => [id, `${id}-not`])) {
        const start = performance.now();
        await client.ask("subscribe:rfq", { rfqId });
        if (round >= 2) taken[rfqId.endsWith("-not") ? 1 : 0].push(performance.now() - start);
      }
    }
    const medianOf = (times: readonly number[]) => times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
    const [exists, unknown] = [medianOf(taken[0]), medianOf(taken[1])];
    // A lookup more or less is far below this; a rendered state or a read of the log is above.
    expect(exists).toBeLessThan(unknown * 3 + 1);
    expect(unknown).toBeLessThan(exists * 3 + 1);
  });
});

describe("a trader's feed", () => {
  it("is that trader's only: ends and creations, no quotes, no steps between", async () => {
    const client = await connect({ sub: "lead", permissions: TEAM, team: ["ann", "bob"] });
    await client.ask("subscribe:trader", { traderId: "bob" });
    const [ofAnn, ofBob] = [newId(), newId()];
    await tell(server, [
      ...[create(ofAnn), create(ofBob, { traderId: "bob" })],
      ...[ofAnn, ofBob].flatMap((id) => [distribute(id), quote(id, "q", { askPrice: 1 }), cancel(id)]),
    ]);
    await upToNow(server, client, { sub: "lead" });
    expect(client.steps().map(([name, body]) => [name, body["rfqId"]])).toEqual([
      ["rfq:created", ofBob],
      ["rfq:cancelled", ofBob],
    ]);
  });

  it.each([undefined, null, {}, { traderId: null }, { traderId: "bob" }])("for %o is one's own", async (body) => {
    const client = await connect({ sub: "bob" });
    expect(await client.ask("subscribe:trader", body)).toMatchObject({ success: true });
    const [other, own] = [newId(), newId()];
    await tell(server, [create(other), create(own, { traderId: "bob" })]);
    await client.first("rfq:created");
    expect(client.steps().map(([, told]) => told["rfqId"])).toEqual([own]);
  });
});

describe("a fresh token", () => {
  const lead: Claims = { sub: "lead", permissions: TEAM, team: ["ann"] };

  it.each<[string, Claims]>([
    ["the permission", { sub: "lead", team: ["ann"] }],
    ["the trader", { sub: "lead", permissions: TEAM, team: ["bob"] }],
  ])("without %s ends what it let in, countdown included, and leaves one's own", async (_what, without) => {
    const [rfqId, own] = [newId(), newId()];
    await tell(server, [create(rfqId), create(own, { traderId: "lead" }), distribute(rfqId)]);
    const client = await connect(lead);
    await client.ask("subscribe:trader", { traderId: "ann" });
    for (const each of [rfqId, own]) await client.follow(each);
    await tell(server, [quote(rfqId, "before", { askPrice: 1 })]);
    await client.first("quote:received");
    expect(await client.ask("reauthenticate", { token: await bearer(without) })).toMatchObject({ success: true });
    const ticks = client.all("rfq:countdown").length;
    await tell(server, [quote(rfqId, "after", { askPrice: 1 }), create(newId()), cancel(rfqId), distribute(own)]);
    await client.first("rfq:distributed");
    await upToNow(server, client, { sub: "lead" });
    expect(client.steps().map(([name, body]) => [name, body["quoteId"] ?? body["rfqId"]])).toEqual([
      ["quote:received", "before"],
      ["rfq:distributed", own],
    ]);
    const later = client.all("rfq:countdown").slice(ticks);
    expect(later.filter((tick) => tick["rfqId"] === rfqId)).toEqual([]);
    expect(await client.ask("subscribe:rfq", { rfqId })).toEqual({ success: false, error: "NOT_AVAILABLE" });
    expect(client.socket.connected).toBe(true);
  });

  it("with more lets in at once, and goes on without a gap; one of another user or tenant changes nothing", async () => {
    const [rfqId, own] = [newId(), newId()];
    await tell(server, [create(rfqId), create(own, { traderId: "lead" })]);
    const client = await connect({ sub: "lead" });
    await client.follow(own);
    const refused: Body = await client.ask("subscribe:rfq", { rfqId });
    expect(refused).toMatchObject({ success: false });
    for (const claims of [
      { ...lead, sub: "ann" },
      { ...lead, tenantId: "other" },
    ])
      expect(await client.ask("reauthenticate", { token: await bearer(claims) })).toMatchObject({ success: false });
    expect(await client.ask("subscribe:rfq", { rfqId })).toEqual(refused);
    expect(await client.ask("reauthenticate", { token: await bearer(lead) })).toMatchObject({ success: true });
    await client.follow(rfqId);
    await tell(server, [quote(rfqId, "q", { askPrice: 1 }), quote(own, "q", { askPrice: 1 })]);
    await upToNow(server, client, { sub: "lead" });
    expect(client.steps().filter(([name]) => name === "quote:received").length).toBe(2);
  });
});
