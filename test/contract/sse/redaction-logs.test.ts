/** Contract 50-sse: secrets never leave in an event, people's addresses are masked in logs, and lines tell whose they are. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer, token, until } from "../server.ts";
import { alert, closeReaders, fresh, order, read, say } from "./reader.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: "debug" } });
});
afterAll(() => server.remove());
afterEach(closeReaders);

type Line = Record<string, unknown>;
const lines = () =>
  server
    .output()
    .split("\n")
    .flatMap((line) => (line.startsWith("{") && line.endsWith("}") ? [JSON.parse(line) as Line] : []));
const line = (fields: Line) =>
  until(
    () => lines().find((each) => Object.entries(fields).every(([name, value]) => each[name] === value)),
    () => server.output().slice(-3000),
  );
const INFO = 30;
const DEBUG = 20;

describe("what looks like a secret", () => {
  const secrets = [
    "password",
    "Passwd",
    "secret",
    "TOKEN",
    "access_token",
    "refresh.token",
    "api key",
    "API-Key",
    "Authorization",
    "cookie",
    "PIN",
    "cvv",
    "card_number",
    "pan",
    "accountNumber",
    "IBAN",
    "private-key",
  ];
  const hidden = Object.fromEntries(secrets.map((key) => [key, "hush-hush"]));
  const shown = Object.fromEntries(secrets.map((key) => [key, "[redacted]"]));
  const plain = { spinning: "hush", tokens: 5, company: "Pan Am", keyboard: "k", pinned: true, secretary: "Ann" };

  it("is hidden at any depth of decisions, strategies and agents, live and replayed; what only sounds alike is not", async () => {
    const sub = fresh("user");
    const bearer = await token({ sub });
    const strategyId = fresh("strategy");
    const details = { ...hidden, ...plain, deep: [[{ headers: hidden }], { token: { nested: "hush-hush" } }] };
    const seen = { ...shown, ...plain, deep: [[{ headers: shown }], { token: "[redacted]" }] };
    await say(server, { type: "strategy.registered", data: { strategyId, userId: sub, name: "Mine" } });
    const paths = ["ai-decisions", `strategies/${strategyId}`, "alerts"].map((name) => `/api/stream/${name}`);
    const live = await Promise.all(paths.map((path) => read(server, path, { bearer })));
    for (const each of live) await each.first("connected");
    const signal = { strategyId, signal: "s", symbol: "AAPL", action: "buy", confidence: 1, details, apiKey: "hush-hush" };
    const [before = ""] = await say(server, alert(sub, "a place"));
    await say(server, [
      { type: "ai.decision", data: { userId: sub, ...details } },
      { type: "strategy.signal", data: signal },
      { type: "strategy.status", data: { strategyId, status: "error", error: "e", details } },
      { type: "agent.status", data: { agentId: "a-1", status: "s", ...details } },
    ]);
    const again = await Promise.all(paths.map((path) => read(server, path, { bearer, headers: { "Last-Event-ID": before } })));
    for (const [decisions, strategy] of [live, again]) {
      expect((await decisions?.first("ai:decision"))?.data).toMatchObject(seen);
      await strategy?.first("strategy:update", (data) => data["status"] === "error");
      for (const { data } of strategy?.all("strategy:update").slice(-2) ?? []) expect(data["details"]).toEqual(seen);
    }
    expect((await live[2]?.first("agent:status"))?.data).toMatchObject(seen);
    for (const each of [...live, ...again]) expect(each.text()).not.toContain("hush-hush");
  });

  it("of an order or an alert does not leave, since only fields with a name do", async () => {
    const sub = fresh("user");
    const bearer = await token({ sub });
    const streams = await Promise.all(["trading", "alerts"].map((name) => read(server, `/api/stream/${name}`, { bearer })));
    for (const each of streams) await each.first("connected");
    const told = alert(sub, "hello");
    await say(server, [order(sub, { ...hidden, note: "hush-hush" }, "created", hidden), { ...told, data: { ...told.data, ...hidden } }]);
    await streams[0]?.first("order:update", (data) => data["orderId"] === "o-1");
    await streams[1]?.first("alert:new");
    for (const each of streams) expect(each.text()).not.toContain("hush-hush");
  });

  it("never stands in a log line: tokens in headers and queries, cookies, events", async () => {
    const sub = fresh("user");
    const bearer = await token({ sub });
    const correlationId = fresh("query");
    const stream = await read(server, `/api/stream/alerts?token=${bearer}`, {
      bearer: null,
      headers: { "X-Correlation-ID": correlationId },
    });
    await stream.first("connected");
    const refused = await read(server, `/api/stream/alerts?token=hush-hush-token`, {
      bearer: null,
      headers: { cookie: "session=hush-hush" },
    });
    expect(refused.status).toBe(401);
    stream.close();
    await line({ correlationId, msg: "disconnected" });
    expect(server.output()).not.toContain(bearer);
    expect(server.output()).not.toContain("hush-hush");
  });
});

describe("people's addresses", () => {
  it("are masked in every line, wherever they come from, and reach the people themselves as they are", async () => {
    for (const [sub, word] of [
      ["ann.o+desk@mail.example.co.uk", "[e-mail]"],
      ["+49 151 23456789", "[phone]"],
      ["+1 (555) 123-4567", "[phone]"],
      ["(555) 123-4567", "[phone]"],
      ["0151 23456789", "[phone]"],
      ["tel:+4915123456789", "[phone]"],
      ["m\u00fcller@b\u00fccher.example", "[e-mail]"],
    ] as const) {
      const correlationId = fresh("masked");
      const bearer = await token({ sub });
      const stream = await read(server, "/api/stream/alerts", { bearer, headers: { "X-Correlation-ID": correlationId } });
      expect((await stream.first("connected")).data["clientId"]).toContain(`${sub}-alerts-`);
      await say(server, { ...alert(sub, `call ${sub}`, "error"), ...(/^[!-~]+$/.test(sub) && { correlationid: sub }) });
      expect((await stream.first("alert:new")).data["message"]).toBe(`call ${sub}`);
      await line({ correlationId, msg: "delivered" });
      stream.close();
      expect((await line({ correlationId, msg: "disconnected" }))["userId"]).toContain(word);
      expect(server.output(), sub).not.toContain(sub);
      expect(server.output(), sub).not.toContain(sub.replace(/^tel:/, ""));
    }
  });

  it("are nothing that ids, times or numbers look like", async () => {
    const [id = ""] = await say(server, { ...alert(fresh("user"), "x"), correlationid: "5d41402a-1234-5678-9012-123456789012" });
    expect(id).toMatch(/^\d/);
    const told = await line({ eventCorrelationId: "5d41402a-1234-5678-9012-123456789012", msg: "broadcast" });
    expect(told["time"]).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(JSON.stringify(told)).not.toMatch(/\[phone\]|\[e-mail\]/);
  });
});

describe("log lines", () => {
  it("tell of connect, disconnect, broadcast and the delivery of errors, with the ids of connection and event", async () => {
    const sub = fresh("user");
    const bearer = await token({ sub });
    const [correlationId, other, eventCorrelationId] = [fresh("connection"), fresh("connection"), fresh("event")];
    const open = (id: string) => read(server, "/api/stream/alerts", { bearer, headers: { "X-Correlation-ID": id } });
    const [stream, second] = [await open(correlationId), await open(other)];
    for (const each of [stream, second]) await each.first("connected");
    const session = { level: INFO, userId: sub, tenant: "tenant", surface: "stream-alerts", sessionId: expect.any(String) };
    expect(await line({ correlationId, msg: "connected" })).toMatchObject(session);
    await say(server, alert(sub, "nothing"));
    const [eventId] = await say(server, { ...alert(sub, "trouble", "error"), correlationid: eventCorrelationId });
    for (const each of [stream, second]) await each.first("alert:new", (data) => data["level"] === "error");
    for (const id of [correlationId, other]) {
      expect(await line({ correlationId: id, msg: "delivered" })).toMatchObject({
        ...session,
        eventId,
        eventCorrelationId,
        event: "alert.triggered",
      });
      expect(lines().filter((each) => each["correlationId"] === id && each["msg"] === "delivered")).toHaveLength(1);
    }
    expect(await line({ eventCorrelationId, msg: "broadcast" })).toMatchObject({ level: DEBUG, type: "alert.triggered", tenant: "tenant" });
    stream.close();
    expect(await line({ correlationId, msg: "disconnected" })).toMatchObject({ ...session, code: "lost" });
  });

  it("of an event without an id of its own have that of the request that published it", async () => {
    const correlationId = fresh("request");
    await say(server, alert(fresh("user"), "x"), "tenant", { "X-Correlation-ID": correlationId });
    expect(await line({ eventCorrelationId: correlationId, msg: "broadcast" })).toMatchObject({ level: DEBUG });
  });
});
