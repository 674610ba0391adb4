/** Packets that are none under Socket.IO, over raw WebSocket and over polling: at most that connection ends. */
import fc from "fast-check";
import WebSocket from "ws";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type TestServer, startTestServer, token, until } from "../server.ts";
import { anyBytes, anyJson, anyJsonText, anyText, everybodyGone, expectUnhurt, newestOffset, run } from "./door.ts";
import { type Answer, expectRefusal, send } from "./raw-http.ts";

const POLLING = "/socket.io/?EIO=4&transport=polling";

let server: TestServer;
let reader: string;
let before: number;
const sockets: WebSocket[] = [];
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_MARKET_DATA_COMMANDS_BURST: "1000000" } });
  reader = await token();
});
beforeEach(async () => {
  before = await newestOffset(server);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await expectUnhurt(server, before);
});
afterAll(() => server.remove());

/** Packets of Engine.IO (first digit) and Socket.IO (second), whole, broken, and with attachments that never come. */
const anyPacket = fc.oneof(
  anyBytes,
  anyText.map((text) => text.toWellFormed()),
  fc
    .tuple(
      fc.constantFrom("0", "1", "2", "3", "40", "41", "42", "43", "44", "450-", "451-", "45999999999-", "46", "461-", "5", "6", "49", "b"),
      fc.constantFrom("", "/market-data,", "/rfq,", "/none,", "/market-data", "/market-data,7", "/market-data,99999999999999999999"),
      fc.oneof(
        anyText,
        anyJsonText,
        anyJson.map((body) => JSON.stringify(["subscribe", body])),
      ),
    )
    .map((parts) => parts.join("").toWellFormed()),
  fc
    .tuple(fc.integer({ min: -1, max: 3 }), anyJson)
    .map(([num, body]) => `451-/market-data,["subscribe",{"_placeholder":true,"num":${num}},${JSON.stringify(body)}]`),
);

/** A raw WebSocket that has joined `/market-data`, or not even greeted. */
async function open(isJoined: boolean) {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
  sockets.push(socket);
  const told: string[] = [];
  socket.on("message", (data: Buffer) => told.push(data.toString()));
  socket.on("error", () => undefined);
  await until(() => told.length > 0);
  if (isJoined) {
    socket.send(`40/market-data,${JSON.stringify({ token: reader })}`);
    await until(() => told.some((text) => text.includes('"connected"')));
  }
  return { socket, told };
}

it("packets over WebSocket are answered, or end the connection", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyPacket, { minLength: 1, maxLength: 4 }), fc.boolean(), async (packets, isJoined) => {
      const { socket, told } = await open(isJoined);
      const closed = new Promise((resolve) => socket.once("close", resolve));
      const heard = new Promise((resolve) => socket.once("pong", resolve));
      for (const packet of packets) socket.send(packet);
      socket.ping();
      await Promise.race([heard, closed]);
      for (const text of told) if (text.startsWith('42/market-data,["error"')) expect(text).toMatch(/"code":"[A-Z_]+","message":"/);
      socket.terminate();
      await closed;
    }),
    run(250),
  );
  await everybodyGone(server);
});

it("an oversize packet ends the connection with 1009", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 65_537, max: 300_000 }), fc.boolean(), async (length, isJoined) => {
      const { socket } = await open(isJoined);
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.send("4".repeat(length));
      expect(await closed).toBe(1009);
    }),
    run(6),
  );
  await everybodyGone(server);
});

/** Joins `/market-data` over polling; resolves with the path of its requests. */
async function openPolling(): Promise<string> {
  const { text } = await send(server, "GET", POLLING);
  const { sid } = JSON.parse(text.slice(1)) as { sid: string };
  const path = `${POLLING}&sid=${sid}`;
  const joined = await send(server, "POST", path, { body: `40/market-data,${JSON.stringify({ token: reader })}` });
  expect(joined).toMatchObject({ status: 200, text: "ok" });
  return path;
}

/** Engine.IO words its refusals itself; they too have a status of the 4xx and a correlation id. */
function expectEngineRefusal({ status, headers }: Answer): void {
  expect([400, 405, 413]).toContain(status);
  expect(headers["x-correlation-id"]).toMatch(/^[\x21-\x7e]{1,128}$/);
}

it("packets over polling are taken or refused, and their connection can be ended", async () => {
  const packets = fc.array(
    anyPacket.map((packet) => Buffer.from(packet).toString("utf8")),
    { minLength: 1, maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(packets, fc.constantFrom("\u001e", ""), async (each, separator) => {
      const path = await openPolling();
      const answer = await send(server, "POST", path, { body: Buffer.from(each.join(separator)) });
      if (answer.status === 200) expect(answer.text).toBe("ok");
      else expectEngineRefusal(answer);
      const ended = await send(server, "POST", path, { body: "1" });
      if (ended.status !== 200) expectEngineRefusal(ended);
    }),
    run(80),
  );
  await everybodyGone(server);
});

it("bytes, types and methods that polling does not know are refused, and anything too large", async () => {
  await fc.assert(
    fc.asyncProperty(
      anyBytes,
      fc.constantFrom("application/octet-stream", "text/plain", "application/json", "x"),
      fc.constantFrom("POST", "PUT", "DELETE", "PATCH", "PROPFIND", "OPTIONS"),
      async (body, type, method) => {
        const path = await openPolling();
        const answer = await send(server, method, path, { headers: { "content-type": type }, body });
        if (method !== "POST") expectRefusal(answer, 405);
        else if (answer.status !== 200) expectEngineRefusal(answer);
        await send(server, "POST", path, { body: "1" });
      },
    ),
    run(40),
  );
  expectEngineRefusal(await send(server, "POST", await openPolling(), { body: "4".repeat(200_000) }));
});

it("queries and ids of connections that are none are refused", async () => {
  const value = fc.oneof(
    anyText.map((text) => encodeURIComponent(text.toWellFormed())),
    fc.constantFrom("4", "3", "polling", "websocket", "webtransport", "__proto__", "constructor", "%zz", "%ff"),
  );
  const query = fc
    .array(fc.tuple(fc.constantFrom("EIO", "transport", "sid", "t", "b64", "j"), value), { maxLength: 4 })
    .map((pairs) => pairs.map((pair) => pair.join("=")).join("&"));
  await fc.assert(
    fc.asyncProperty(query, fc.constantFrom("GET", "POST"), async (each, method) => {
      const answer = await send(server, method, `/socket.io/?${each}`);
      // By chance it may be a handshake.
      if (answer.status === 200) expect(answer.text).toMatch(/^0\{"sid":/);
      else expectEngineRefusal(answer);
    }),
    run(200),
  );
  await fc.assert(
    fc.asyncProperty(value, async (sid) => {
      fc.pre(sid !== "");
      expectEngineRefusal(await send(server, "GET", `${POLLING}&sid=${sid}`));
    }),
    run(60),
  );
});

it.each(["PUT", "HEAD", "DELETE"])("%s on a connection that polls is refused, not a fault", async (method) => {
  const path = await openPolling();
  expect(await send(server, method, path)).toMatchObject({ status: 405 });
  await send(server, "POST", path, { body: "1" });
});
