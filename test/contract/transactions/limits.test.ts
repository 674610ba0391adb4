/** Contract 30-transactions "100 messages a minute", 00-common "Errors on sockets": too much, too old, too big, and who pays for it. */
import { setTimeout as passed } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { type TestServer, startTestServer, token, until } from "../server.ts";
import { FEED, feedClients, payments, tell } from "./feed-client.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_ACK_WINDOW: "2000" } });
});
afterAll(() => server.remove());
const { plain, named, end } = feedClients(() => server);
afterEach(end);
let last = 0;
const newUser = () => `user-${++last}`;

describe.each([
  ["a plain WebSocket", plain],
  ["Socket.IO", named],
])("over %s", (_surface, open) => {
  it("the 101st message of a minute is RATE_LIMITED, and the connection goes on", async () => {
    const sub = newUser();
    const client = await open({ sub });
    await client.subscribe();
    for (let said = 0; said < 99; said++) client.say({ type: "unsubscribe", events: ["fraud"] });
    await client.first("unsubscribed", 98);
    expect(client.all("error")).toEqual([]);
    for (let said = 0; said < 3; said++) client.say({ type: "unsubscribe", events: ["fraud"] });
    expect(await client.first("error")).toEqual({
      type: "error",
      code: "RATE_LIMITED",
      message: expect.any(String),
      retryAfterMs: expect.any(Number),
    });
    const [eventId] = await tell(server, payments(sub, ["t"]));
    await client.idsUpTo("t");
    client.say({ type: "ack", eventId });
    await tell(server, payments(sub, ["u"]));
    await client.idsUpTo("u");
  });

  it("acks and pongs are not counted among them: a busy feed can be acknowledged one by one", async () => {
    const sub = newUser();
    const client = await open({ sub });
    await client.subscribe();
    const ids = await tell(
      server,
      payments(
        sub,
        Array.from({ length: 1000 }, (_, index) => `t${index}`),
      ),
    );
    await client.idsUpTo("t999");
    for (const eventId of ids) client.say({ type: "ack", eventId });
    for (let said = 0; said < 200; said++) client.say({ type: "pong" });
    await client.subscribe();
    expect(client.all("error")).toEqual([]);
  });

  it("a flood after RATE_LIMITED ends the connection, and no other", async () => {
    const neighbour = await open({ sub: newUser() });
    const client = await open({ sub: newUser() });
    let isOver = false;
    void client.closed.then(() => (isOver = true));
    await until(() => {
      for (let said = 0; said < 500 && !isOver; said++) client.say({ type: "subscribe" });
      return isOver;
    });
    expect(client.all("error").some(({ code }) => code === "RATE_LIMITED")).toBe(true);
    await neighbour.subscribe();
  });
});

describe("a connection", () => {
  it.each([[""], ["?token="], ["?token=nonsense"]])("without a token (%s) is answered with 401 instead of the upgrade", async (query) => {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}${FEED}${query}`);
    const answer = await new Promise<{ status: number | undefined; body: string }>((resolve) => {
      socket.on("unexpected-response", (_request, response) => {
        let body = "";
        response.on("data", (part: Buffer) => (body += part.toString()));
        response.on("end", () => resolve({ status: response.statusCode, body }));
      });
    });
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toEqual({ error: "Unauthorized", message: expect.any(String), statusCode: 401 });
  });

  it("takes its token from the query too", async () => {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}${FEED}?token=${await token({ sub: newUser() })}`);
    const [text] = await new Promise<[Buffer]>((resolve) => socket.once("message", (...said: [Buffer]) => resolve(said)));
    expect(JSON.parse(text.toString())).toMatchObject({ type: "connected", resumed: false });
    socket.terminate();
  });

  it("ends with TOKEN_EXPIRED when its token does, and tells nothing after that", async () => {
    const sub = newUser();
    const [client, byName] = [await plain({ sub, ttlMs: 3000 }), await named({ sub, ttlMs: 3000 })];
    for (const each of [client, byName]) await each.subscribe();
    await Promise.all([client.closed, byName.closed]);
    await tell(server, payments(sub, ["late"]));
    for (const each of [client, byName]) {
      expect(each.all("error")).toEqual([{ type: "error", code: "TOKEN_EXPIRED", message: expect.any(String) }]);
      expect(each.ids()).toEqual([]);
    }
  });

  it("goes on without a gap with a fresh token of the same user and tenant, and with no other", async () => {
    const sub = newUser();
    const client = await plain({ sub, ttlMs: 3000 });
    await client.subscribe();
    for (const claims of [{ sub: "other" }, { sub, tenantId: "other" }, { sub, ttlMs: -1000 }, { sub, secret: "x".repeat(40) }])
      client.say({ type: "reauthenticate", token: await token(claims) });
    client.say({ type: "reauthenticate" });
    await client.first("error", 4);
    const codes = client.all("error").map(({ code }) => code);
    expect(codes.toSorted()).toEqual(["AUTH_FAILED", "AUTH_FAILED", "BAD_REQUEST", "FORBIDDEN", "FORBIDDEN"]);
    client.say({ type: "reauthenticate", token: await token({ sub }) });
    await client.first("reauthenticated");
    await passed(3200);
    await tell(server, payments(sub, ["t"]));
    expect(await client.idsUpTo("t")).toEqual(["t"]);
  });
});
