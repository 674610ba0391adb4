/** Alerts, AI decisions, strategies and agents (contract 50-sse "Published types", 60-native) over HTTP and the native protocol. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { nativeClients } from "./native-client.ts";
import { type TestServer, publish, startTestServer, token } from "./server.ts";

let server: TestServer;
const { welcomed, end } = nativeClients(() => server);
beforeAll(async () => {
  server = await startTestServer();
});
afterEach(end);
afterAll(() => server.remove());

const say = (type: string, data: object) => publish(server.url, { type, data });
const read = async (path: string, sub = "ann") => {
  const answer = await fetch(`${server.url}/api/v1/topics/${path}`, { headers: { authorization: `Bearer ${await token({ sub })}` } });
  return { status: answer.status, text: await answer.text() };
};

it("shows no secret in history, whichever class an event is of", async () => {
  await say("ai.decision", { userId: "ann", action: "hold", calls: [{ api_key: "s3cret" }] });
  await say("agent.status", { agentId: "a1", status: "busy", env: { token: "s3cret" } });
  await say("strategy.registered", { strategyId: "h", userId: "ann", name: "n", note: "s3cret" });
  await say("strategy.status", { strategyId: "h", status: "started", details: { pin: "s3cret" }, note: "s3cret" });
  await say("alert.triggered", { userId: "ann", alertId: "a1", level: "info", message: "m", rule: "s3cret" });
  for (const topic of ["decisions:me", "agents", "strategy:h", "alerts:me"]) {
    for (const part of ["events", "snapshot"]) {
      const { status, text } = await read(`${topic}/${part}`);
      expect({ topic, status }).toEqual({ topic, status: 200 });
      expect(text).not.toContain("s3cret");
    }
    expect((await read(`${topic}/events`)).text).toContain('"eventId"');
  }
});

it("refuses what a strategy says before it is registered with 422, and unknown and foreign strategies alike", async () => {
  const refused = await say("strategy.status", { strategyId: "none", status: "started" });
  expect([refused.status, refused.body.errors]).toEqual([
    422,
    [{ index: 0, path: "data.strategyId", message: "there is no strategy none" }],
  ]);
  await say("strategy.registered", { strategyId: "s1", userId: "ann", name: "One" });
  const [foreign, unknown] = [await read("strategy:s1/events", "ben"), await read("strategy:s2/events", "ben")];
  expect(foreign.status).toBe(403);
  expect(foreign).toEqual(unknown);
});

it("tells one client of all four on one connection, from one cut", async () => {
  await say("strategy.registered", { strategyId: "s3", userId: "eve", name: "Three" });
  const client = await welcomed({ sub: "eve" });
  const topics = ["alerts:me", "decisions:me", "strategy:s3", "agents"];
  client.say({ type: "subscribe", id: 1, topics });
  expect(await client.first("subscribed")).toMatchObject({ results: topics.map((topic) => ({ topic, ok: true })) });
  await say("alert.triggered", { userId: "eve", alertId: "a1", level: "error", message: "margin call" });
  await say("ai.decision", { userId: "eve", action: "hold" });
  await say("strategy.signal", { strategyId: "s3", signal: "x", symbol: "EUR/USD", action: "buy", confidence: 1 });
  await say("agent.status", { agentId: "a3", status: "idle" });
  await client.first("event", 3);
  const told = client.told.filter(({ type }) => type === "event");
  expect(told.map(({ event }) => event)).toEqual(["alert.triggered", "ai.decision", "strategy.signal", "agent.status"]);
  expect(told.at(-1)).toMatchObject({ topic: "agents", key: "a3", data: { agentId: "a3", status: "idle" } });
});
