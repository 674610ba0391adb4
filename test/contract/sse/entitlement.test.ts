/** Contract 50-sse and 00-common: who sees whose, tenants apart, teams, strategies of others, tokens and sessions that end. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { SignJWT } from "jose";
import { SECRET, type TestServer, startTestServer, token, until } from "../server.ts";
import { alert, alertsOf, closeReaders, fresh, order, position, read, say } from "./reader.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_SSE_ATTEMPTS_FAILED_PER_MINUTE: "1000" } });
});
afterAll(() => server.remove());
afterEach(closeReaders);

const leader = (sub: string, team: readonly string[], tenantId = "tenant") =>
  new SignJWT({ tenantId, team: [...team] })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(sub)
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(SECRET));

describe("two tenants with users of the same name", () => {
  it("see nothing of each other on any stream", async () => {
    const sub = fresh("twin");
    const strategyId = fresh("strategy");
    const decide = { type: "ai.decision", data: { userId: sub, of: "theirs" } };
    await say(server, { type: "strategy.registered", data: { strategyId, userId: sub, name: "Mine" } });
    const bearer = await token({ sub });
    const names = ["orders", "positions", "trading", "ai-decisions", `strategies/${strategyId}`, "alerts", "prices"];
    const streams = await Promise.all(names.map((name) => read(server, `/api/stream/${name}?replay=none`, { bearer })));
    for (const stream of streams) await stream.first("connected");
    await say(server, { type: "strategy.registered", data: { strategyId, userId: sub, name: "Theirs" } }, "other");
    const status = { type: "strategy.status", data: { strategyId, status: "stopped" } };
    await say(server, [order(sub, { id: "theirs" }), position(sub, { symbol: "THEIRS" }), alert(sub, "theirs"), decide, status], "other");
    await say(server, [order(sub, { id: "mine" }), position(sub), alert(sub, "mine"), { ...decide, data: { userId: sub, of: "mine" } }]);
    await say(server, { type: "strategy.status", data: { strategyId, status: "started" } });
    for (const [index, stream] of streams.slice(0, -1).entries())
      await until(() => stream.events.length > [2, 2, 4, 1, 1, 1][index]!, stream.text);
    for (const stream of streams) expect(stream.text().toLowerCase()).not.toContain("theirs");
    expect(streams[4]?.text()).not.toContain("stopped");
  });
});

describe("/api/stream/trading?userId=", () => {
  it("names the session's own user, or one of its team; others are refused, whether or not there are any", async () => {
    const [boss, member, stranger] = [fresh("boss"), fresh("member"), fresh("stranger")];
    await say(server, [order(member, { id: "of-member" }), order(stranger, { id: "of-stranger" }), order(boss, { id: "of-boss" })]);
    const bearer = await leader(boss, [member]);
    for (const [userId, id] of [
      [undefined, "of-boss"],
      [boss, "of-boss"],
      [member, "of-member"],
    ] as const) {
      const query = userId === undefined ? "" : `&userId=${userId}`;
      const stream = await read(server, `/api/stream/trading?replay=none${query}`, { bearer });
      expect((await stream.first("order:update")).data.orders.map(({ orderId }) => orderId)).toEqual([id]);
      expect((await stream.first("connected")).data["clientId"]).toMatch(new RegExp(`^${boss}-trading-\\d+$`));
    }
    for (const userId of [stranger, "nobody", "", "me", "*", `${member},${stranger}`, `${member}%00`, `*&userId=${member}`]) {
      const answer = await read(server, `/api/stream/trading?userId=${userId}`, { bearer });
      expect([answer.status, await answer.json()], userId).toEqual([
        403,
        { error: "Forbidden", message: expect.any(String), statusCode: 403 },
      ]);
    }
  });

  it("goes on with the member's events, resumes them, and is of no other stream", async () => {
    const [boss, member] = [fresh("boss"), fresh("member")];
    const bearer = await leader(boss, [member]);
    const path = `/api/stream/trading?userId=${member}`;
    const stream = await read(server, path, { bearer });
    await stream.first("position:update");
    await say(server, [order(boss, { id: "of-boss" }), order(member, { id: "of-member" })]);
    const { id = "" } = await stream.first("order:update", (data) => data["orderId"] === "of-member");
    expect(stream.text()).not.toContain("of-boss");
    stream.close();
    await say(server, position(member));
    const again = await read(server, path, { bearer, headers: { "Last-Event-ID": id } });
    await again.first("position:update");
    expect(again.names()).toEqual(["connected", "position:update"]);
    const orders = await read(server, `/api/stream/orders?replay=none&userId=${member}`, { bearer });
    expect((await orders.first("order:update")).data.orders).toMatchObject([{ orderId: "of-boss" }]);
  });

  it("does not let a team reach over tenants", async () => {
    const member = fresh("member");
    await say(server, order(member, { id: "of-member" }));
    const stream = await read(server, `/api/stream/trading?userId=${member}`, { bearer: await leader(fresh("spy"), [member], "other") });
    expect((await stream.first("order:update")).data.orders).toEqual([]);
  });
});

describe("a strategy", () => {
  it("of somebody else is answered like one that there is not", async () => {
    const strategyId = fresh("strategy");
    const owner = fresh("owner");
    await say(server, { type: "strategy.registered", data: { strategyId, userId: owner, name: "Mine" } });
    const answers = [];
    for (const [id, claims] of [
      [strategyId, {}],
      ["none", {}],
      [strategyId, { sub: owner, tenantId: "other" }],
      [strategyId, { permissions: ["stream:admin", "trading:monitor", "events:publish:any"] }],
      ["*", { sub: owner }],
      [encodeURIComponent("a/../../b c\n"), { sub: owner }],
    ] as const) {
      const answer = await read(server, `/api/stream/strategies/${id}`, { bearer: await token(claims) });
      answers.push([answer.status, await answer.json()]);
    }
    expect(new Set(answers.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(answers[0]).toEqual([404, { error: "Not Found", message: expect.any(String), statusCode: 404 }]);
    const own = await read(server, `/api/stream/strategies/${strategyId}`, { bearer: await token({ sub: owner }) });
    expect(own.status).toBe(200);
    const strange = "a/b:c@d#e+f=g~h";
    await say(server, { type: "strategy.registered", data: { strategyId: strange, userId: owner, name: "Odd" } });
    const odd = await read(server, `/api/stream/strategies/${encodeURIComponent(strange)}`, { bearer: await token({ sub: owner }) });
    expect((await odd.first("strategy:update")).data).toMatchObject({ strategyId: strange });
  });
});

describe("a credential", () => {
  it("that is a session cookie opens every stream, and its end closes them", async () => {
    const sub = fresh("cookie");
    const opened = await fetch(`${server.url}/api/session`, {
      method: "POST",
      headers: { authorization: `Bearer ${await token({ sub })}` },
    });
    const cookie = opened.headers.get("set-cookie")?.split(";")[0] ?? "";
    const stream = await read(server, "/api/stream/alerts", { bearer: null, headers: { cookie: `other=1; ${cookie}` } });
    const prices = await read(server, "/api/stream/prices", { bearer: null, headers: { cookie }, gzip: true });
    expect((await prices.first("connected")).data["clientId"]).toContain(`${sub}-prices-`);
    await say(server, alert(sub, "hello"));
    await until(() => alertsOf(stream).length > 0);
    const evil = await read(server, "/api/stream/alerts", { bearer: null, headers: { cookie, origin: "https://evil.example.com" } });
    expect(evil.status).toBe(401);
    await fetch(`${server.url}/api/session`, { method: "DELETE", headers: { cookie } });
    for (const each of [stream, prices]) {
      await each.ended;
      expect(each.events.at(-1)).toMatchObject({ name: "error", data: { code: "TOKEN_EXPIRED" }, id: undefined });
      expect(each.text()).toMatch(/retry: 5000\n\n$/);
    }
    expect((await read(server, "/api/stream/alerts", { bearer: null, headers: { cookie } })).status).toBe(401);
  });

  it("that expires ends the stream at that moment, in words", async () => {
    const sub = fresh("short");
    const stream = await read(server, `/api/stream/alerts?token=${await token({ sub, ttlMs: 3000 })}`, { bearer: null });
    await stream.ended;
    expect(stream.events.at(-1)).toMatchObject({ name: "error", data: { code: "TOKEN_EXPIRED", message: expect.any(String) } });
    const late = await token({ sub, ttlMs: -1000 });
    expect((await read(server, "/api/stream/alerts", { bearer: late })).status).toBe(401);
    const forged = await token({ sub, secret: "another secret of the tests, more than 32 bytes" });
    expect((await read(server, "/api/stream/prices", { bearer: forged })).status).toBe(401);
  });
});
