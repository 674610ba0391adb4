/** Arbitrary commands beside a native stream (contract 60-native "SSE"): taken and answered on the stream, or refused. */
import { type ClientRequest, request } from "node:http";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { type TestServer, startTestServer, token, until } from "../server.ts";
import { COMMANDS, expectTold } from "./native-input.ts";
import { anyBytes, anyHeader, anyJson, anyJsonText, anyText, everybodyGone, expectUnhurt, mutated, newestOffset, run } from "./door.ts";
import { expectRefusal, send } from "./raw-http.ts";

let server: TestServer;
let authorization: string;
let before: number;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_NATIVE_COMMANDS_BURST: "1000000" } });
  authorization = `Bearer ${await token()}`;
});
beforeEach(async () => {
  before = await newestOffset(server);
});
afterAll(() => server.remove());

const post = (connectionId: string, body: Uint8Array | string, headers: Readonly<Record<string, string>> = {}) =>
  send(server, "POST", `/api/v1/stream/${connectionId}/commands`, {
    headers: { authorization, "content-type": "application/json", ...headers },
    body,
  });

interface Stream {
  readonly connectionId: string;
  /** What was told, and not taken out yet. */
  readonly told: Record<string, unknown>[];
  readonly sent: ClientRequest;
}

async function openStream(): Promise<Stream> {
  const told: Record<string, unknown>[] = [];
  let rest = "";
  const sent = request(`${server.url}/api/v1/stream`, { headers: { authorization }, agent: false }, (response) => {
    response.setEncoding("utf8").on("data", (part: string) => {
      const events = (rest + part).split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        const body = /^data: (.*)$/m.exec(event)?.[1];
        if (body !== undefined) told.push(JSON.parse(body) as Record<string, unknown>);
      }
    });
    response.on("error", () => undefined);
  });
  sent.on("error", () => undefined);
  sent.end();
  const welcome = await until(() => told.shift());
  return { connectionId: String(welcome["connectionId"]), told, sent };
}

it("takes whatever is said, answers on the stream, and goes on", async () => {
  const { connectionId, told, sent } = await openStream();
  const body = fc.oneof(
    anyBytes,
    anyJsonText,
    fc.oneof(...COMMANDS.map(mutated)).map((value) => JSON.stringify(value)),
    fc.array(fc.oneof(anyJson, ...COMMANDS.map(mutated)), { maxLength: 5 }).map((values) => JSON.stringify(values)),
  );
  await fc.assert(
    fc.asyncProperty(body, fc.uuid(), async (text, id) => {
      const answer = await post(connectionId, text);
      expect(answer).toMatchObject({ status: 202, text: '{"accepted":true}' });
      await post(connectionId, JSON.stringify({ type: "unsubscribe", id, topics: ["symbol:A"] }));
      await until(
        () => told.some((message) => message["type"] === "unsubscribed" && message["id"] === id),
        () => told,
      );
      for (const message of told.splice(0)) expectTold(message);
    }),
    run(250),
  );
  sent.destroy();
  await everybodyGone(server);
  await expectUnhurt(server, before);
});

it("refuses strangers' connections without telling whether they exist", async () => {
  const { connectionId, told, sent } = await openStream();
  const stranger = { authorization: `Bearer ${await token({ sub: "stranger" })}` };
  const id = fc.oneof(
    fc.constantFrom(connectionId, connectionId.toUpperCase(), "__proto__", "constructor", "%zz", "x".repeat(2000)),
    anyText.map((text) => encodeURIComponent(text.toWellFormed()) || "x"),
  );
  await fc.assert(
    fc.asyncProperty(id, anyJsonText, async (each, text) => {
      expectRefusal(await post(each, text, stranger), 400, 404, 414);
    }),
    run(150),
  );
  expect(told).toEqual([]);
  sent.destroy();
  await expectUnhurt(server, before);
});

it("takes no other type of content, and nothing too large", async () => {
  const { connectionId, told, sent } = await openStream();
  await fc.assert(
    fc.asyncProperty(anyHeader, async (type) => {
      expectRefusal(await post(connectionId, "{}", { "content-type": type }), 415);
    }),
    run(50),
  );
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 65_537, max: 200_000 }), async (length) => {
      expectRefusal(await post(connectionId, Buffer.alloc(length, " ")), 413);
    }),
    run(5),
  );
  expect(told).toEqual([]);
  sent.destroy();
  await expectUnhurt(server, before);
});
