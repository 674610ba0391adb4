/** Contract 40-trading "A user gets only the own events", `trading:monitor`; 00-common "Identity": expiry, fresh tokens, revocation. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer } from "../server.ts";
import { MONITOR, balance, bearer, created, order, position, say, tell, trade, tradingClients, upToNow } from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { connect, knock, end } = tradingClients(() => server);
afterEach(end);
let last = 0;
const newUser = () => `user-${++last}`;
const permissions = [MONITOR];

describe("trading", () => {
  it("is told to its user alone, whatever else somebody may do", async () => {
    const sub = newUser();
    const others = [
      { sub: newUser() },
      { sub: newUser(), team: [sub] },
      { sub, tenantId: "other" },
      { sub, tenantId: "public" },
      {
        sub: newUser(),
        permissions: ["stream:admin", "rfq:read:tenant", "events:publish", "events:publish:any", "trading:monitor:x", "*"],
      },
      { sub: sub.toUpperCase() },
      { sub: `${sub} ` },
    ];
    const clients = await Promise.all(others.map((claims) => connect(claims)));
    const answers = await Promise.all(clients.map((client) => client.follow()));
    for (const { snapshot } of answers) expect(snapshot).toEqual({ orders: [], positions: [], balances: [] });
    await tell(server, [
      created(sub, "o"),
      say("position.opened", sub, position("p")),
      say("trade.executed", sub, trade("t")),
      say("balance.updated", sub, balance("USD")),
    ]);
    for (const client of clients) {
      await upToNow(client);
      expect(client.events()).toEqual([]);
    }
  });

  it.each(["a:b", "a/b", "ü ö", "me", "user:other", "<b>", "constructor", "__proto__", "{}"])(
    "is the user's of any name: %s",
    async (sub) => {
      const client = await connect({ sub });
      await client.follow();
      await tell(server, [created(sub, "o"), say("balance.updated", sub, balance("USD"))]);
      await upToNow(client);
      expect(client.ids()).toEqual(["o", "USD"]);
      expect((await client.follow()).snapshot.balances).toEqual([balance("USD").balance]);
    },
  );
});

describe("trading:monitor", () => {
  it.each([[[]], [["trading"]], [["trading:*"]], [["TRADING:MONITOR"]], [["stream:admin", "events:publish:any"]]])(
    "is FORBIDDEN with the permissions %j, as message and as acknowledgement",
    async (given) => {
      const client = await connect({ sub: newUser(), permissions: given });
      expect(await client.ask("subscribe", { channel: MONITOR })).toEqual({
        success: false,
        error: "FORBIDDEN",
        message: expect.any(String),
      });
      client.socket.emit("subscribe", { channel: MONITOR, after: "nonsense" });
      expect(await client.first("error")).toMatchObject({ code: "FORBIDDEN" });
      await tell(server, [created("somebody", "x")]);
      await upToNow(client);
      expect(client.told.map(([name]) => name)).toEqual(["connected", "error"]);
    },
  );

  it("shows and tells the tenant's orders, positions and trades, balances never, the own neither", async () => {
    const tenantId = `tenant-${newUser()}`;
    const sub = newUser();
    const all = (user: string) => [
      say("order.created", user, order(`o-${user}`, { internal: "x" })),
      say("position.opened", user, position(`p-${user}`, { internal: "x" })),
      say("trade.executed", user, trade(`t-${user}`, { internal: "x" })),
      say("balance.updated", user, balance("USD")),
    ];
    await tell(server, [...all("ann"), ...all("ben")], tenantId);
    await tell(server, all("foreigner"));
    const monitor = await connect({ sub, tenantId, permissions });
    const { snapshot } = await monitor.follow(MONITOR);
    expect(snapshot).toStrictEqual({
      orders: ["ann", "ben"].map((userId) => ({ userId, ...order(`o-${userId}`) })),
      positions: ["ann", "ben"].map((userId) => ({ userId, ...position(`p-${userId}`) })),
      trades: ["ann", "ben"].map((userId) => ({ userId, ...trade(`t-${userId}`) })),
    });
    await tell(server, [...all("cleo"), ...all(sub)], tenantId);
    await tell(server, all("foreigner"));
    await upToNow(monitor);
    expect(monitor.ids()).toEqual(["cleo", sub].flatMap((user) => [`o-${user}`, `p-${user}`, `t-${user}`]));
    expect(monitor.texts.join()).not.toMatch(/balance|internal|foreigner/);
  });

  it("beside the own channel tells everything once, and only the own balances", async () => {
    const sub = newUser();
    const client = await connect({ sub, permissions });
    await client.follow(MONITOR);
    await client.follow();
    const both = [
      created(sub, "own"),
      created("somebody", "foreign"),
      say("balance.updated", sub, balance("USD")),
      say("balance.updated", "somebody", balance("EUR")),
    ];
    await tell(server, both);
    await upToNow(client);
    expect(client.ids()).toEqual(["own", "foreign", "USD"]);
    await client.ask("unsubscribe", { channel: "trading" });
    await tell(server, both);
    await upToNow(client);
    expect(client.ids().slice(3)).toEqual(["own", "foreign"]);
    await client.follow();
    await client.ask("unsubscribe", { channel: MONITOR });
    await tell(server, both);
    await upToNow(client);
    expect(client.ids().slice(5)).toEqual(["own", "USD"]);
  });

  it("resumes after a cursor, balances left out", async () => {
    const sub = newUser();
    const [after] = await tell(server, [created(sub, "before")]);
    await tell(server, [created(sub, "a"), say("balance.updated", sub, balance("USD")), created("somebody", "b")]);
    const client = await connect({ sub, permissions });
    await client.follow(MONITOR, after);
    expect(client.ids()).toEqual(["a", "b"]);
  });
});

describe("a fresh token", () => {
  it("goes on without a gap where the old one would have ended, and nothing comes after an end", async () => {
    const sub = newUser();
    const [renewed, expiring] = [await connect({ sub, ttlMs: 3000 }), await connect({ sub, ttlMs: 3000 })];
    for (const client of [renewed, expiring]) await client.follow();
    expect(await renewed.ask("reauthenticate", { token: await bearer({ sub }) })).toMatchObject({ success: true });
    let count = 0;
    while (expiring.socket.connected) await tell(server, [created(sub, `${count++}`)]);
    await tell(server, [created(sub, `${count++}`)]);
    await upToNow(renewed);
    expect(expiring.told.at(-1)).toMatchObject(["error", { code: "TOKEN_EXPIRED" }]);
    expect(renewed.ids()).toEqual(Array.from({ length: count }, (_, index) => `${index}`));
    expect(expiring.ids()).toEqual(renewed.ids().slice(0, expiring.ids().length));
  });

  it("without the permission ends the monitor at once and says so; with it again, it may be followed again", async () => {
    const sub = newUser();
    const client = await connect({ sub, permissions });
    await client.follow();
    const { eventId } = await client.follow(MONITOR);
    await client.ask("reauthenticate", { token: await bearer({ sub }) });
    await tell(server, [created("somebody", "x"), created(sub, "own")]);
    await upToNow(client);
    expect(client.ids()).toEqual(["own"]);
    expect(client.all("error")).toMatchObject([{ code: "FORBIDDEN" }]);
    expect(await client.ask("subscribe", { channel: MONITOR })).toMatchObject({ error: "FORBIDDEN" });
    await client.ask("reauthenticate", { token: await bearer({ sub, permissions }) });
    await client.follow(MONITOR, eventId);
    expect(client.ids()).toEqual(["own", "x"]);
  });

  it("without the permission, while what was missed is told, ends with a refusal and not with a snapshot", async () => {
    const sub = newUser();
    const [after] = await tell(server, [created(sub, "before")]);
    await tell(
      server,
      Array.from({ length: 3000 }, (_, index) => created("somebody", `${index}`)),
    );
    const client = await connect({ sub, permissions });
    const fresh = await bearer({ sub });
    const asked = client.ask("subscribe", { channel: MONITOR, after });
    const renewed = client.ask("reauthenticate", { token: fresh });
    const answer = await asked;
    expect((await renewed)["success"]).toBe(true);
    if (answer["success"] === true) expect(client.ids()).toHaveLength(3000);
    else expect([answer["error"], client.all("subscribed")]).toEqual(["FORBIDDEN", []]);
    await tell(server, [created("somebody", "later")]);
    await upToNow(client);
    expect(client.ids()).not.toContain("later");
  });

  it.each([
    ["of another user", { sub: "another" }, "FORBIDDEN"],
    ["of another tenant", { tenantId: "other" }, "FORBIDDEN"],
    ["that has expired", { ttlMs: -1000 }, "AUTH_FAILED"],
  ])("%s is refused, and the old one goes on", async (_what, over, code) => {
    const sub = newUser();
    const client = await connect({ sub });
    await client.follow();
    expect(await client.ask("reauthenticate", { token: await bearer({ sub, ...over }) })).toMatchObject({ success: false, error: code });
    await tell(server, [created(sub, "a"), created("another", "x")]);
    await tell(server, [created(sub, "x")], "other");
    await upToNow(client);
    expect(client.ids()).toEqual(["a"]);
  });

  it.each([
    [undefined],
    [null],
    ["x"],
    [5],
    [["a"]],
    [{}],
    [{ token: 5 }],
    [{ token: "" }],
    [{ token: ["x"] }],
    [{ token: "x".repeat(60_000) }],
  ])("is none as %j", async (body) => {
    const client = await connect({ sub: newUser() });
    expect(await client.ask("reauthenticate", ...(body === undefined ? [] : [body]))).toMatchObject({
      success: false,
      error: expect.stringMatching(/^(BAD_REQUEST|AUTH_FAILED|UNAUTHORIZED)$/),
    });
    await client.follow();
  });
});

describe("at the door", () => {
  it.each([
    ["no token", { token: undefined }, "UNAUTHORIZED"],
    ["an empty one", { token: "" }, "UNAUTHORIZED"],
    ["one of another type", { token: 5 }, "AUTH_FAILED"],
    ["none at all", { token: "a.b.c" }, "AUTH_FAILED"],
  ])("%s is refused with %s", async (_what, auth, code) => {
    const { errors } = await knock({}, auth);
    expect(errors).toEqual([{ code, message: expect.any(String) }]);
  });

  it("a token that has expired is AUTH_FAILED", async () => {
    const { errors } = await knock({ ttlMs: -1000 }, {});
    expect(errors).toMatchObject([{ code: "AUTH_FAILED" }]);
  });
});
