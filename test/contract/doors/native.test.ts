/** Arbitrary messages to the native WebSocket (contract 60-native, 00-common "Errors on sockets"): an error, and it goes on. */
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { nativeClients } from "../native-client.ts";
import { type TestServer, startTestServer, until } from "../server.ts";
import { anyBytes, anyJson, everybodyGone, expectUnhurt, newestOffset, run } from "./door.ts";
import { anyCommand, expectTold } from "./native-input.ts";

let server: TestServer;
let before: number;
const { open, welcomed, end } = nativeClients(() => server);
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_NATIVE_COMMANDS_BURST: "1000000" } });
});
beforeEach(async () => {
  before = await newestOffset(server);
});
afterEach(end);
afterAll(() => server.remove());

it("answers whatever is said, and goes on", async () => {
  const client = await welcomed();
  client.told.length = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(anyCommand, anyBytes), { minLength: 1, maxLength: 4 }), fc.uuid(), async (messages, id) => {
      for (const message of messages) client.say(message);
      client.say({ type: "unsubscribe", id, topics: ["symbol:A"] });
      await until(
        () => client.told.some((message) => message.type === "unsubscribed" && message["id"] === id),
        () => client.told,
      );
      for (const message of client.told.splice(0)) expectTold(message);
    }),
    run(300),
  );
  expect(client.socket.readyState).toBe(WebSocket.OPEN);
  end();
  await everybodyGone(server);
  await expectUnhurt(server, before);
});

it("tells of each topic that was asked for, whatever its name", async () => {
  const client = await welcomed();
  const topic = fc.oneof(fc.string({ unit: "binary", minLength: 1, maxLength: 50 }), fc.constantFrom("symbol:A", "rfq:1", "trader:me"));
  await fc.assert(
    fc.asyncProperty(fc.array(topic, { minLength: 1, maxLength: 10 }), fc.uuid(), async (topics, id) => {
      const names = topics.map((name) => name.toWellFormed());
      client.say({ type: "subscribe", id, topics: names });
      const answer = await until(
        () => client.told.splice(0).find((message) => message["id"] === id),
        () => client.told,
      );
      const results = answer["results"] as { topic: string }[];
      expect(results.map((result) => result.topic)).toEqual([...new Set(names)]);
    }),
    run(150),
  );
  await expectUnhurt(server, before);
});

it("begins anew after whatever is no cursor of this log, and never refuses it", async () => {
  const client = await welcomed();
  const cursor = fc.oneof(
    fc.string({ unit: "binary", maxLength: 50 }).map((text) => text.toWellFormed()),
    fc.nat(50_000).map((length) => "9".repeat(length)),
    fc
      .tuple(fc.nat(), fc.string({ unit: fc.constantFrom(...Array.from("0123456789abcdefz-")), maxLength: 20 }))
      .map((parts) => parts.join("-")),
    fc.string({ unit: fc.constantFrom(...Array.from("0123456789abcdefABCDEF")), maxLength: 20 }).map((digits) => `EV-${digits}`),
  );
  await fc.assert(
    fc.asyncProperty(cursor, async (after) => {
      client.told.length = 0;
      client.say({ type: "subscribe", id: 1, topics: ["symbol:NEWEST"], after });
      expect(await client.first("subscribed")).toMatchObject({ snapshots: [{ state: { symbol: "NEWEST" } }] });
      expect(client.told[0]).toMatchObject({ type: "resync", reason: "unknown", topics: ["symbol:NEWEST"] });
      client.say({ type: "unsubscribe", topics: ["symbol:NEWEST"] });
      await client.first("unsubscribed");
    }),
    run(100),
  );
  await expectUnhurt(server, before);
});

it("takes nothing for a first message but a good token", async () => {
  const first = fc.oneof(
    anyCommand,
    anyBytes,
    anyJson.map((value) => JSON.stringify({ type: "authenticate", token: value })),
  );
  await fc.assert(
    fc.asyncProperty(first, async (message) => {
      const client = open();
      await until(() => client.socket.readyState === WebSocket.OPEN);
      client.say(message);
      expect(await client.closed).toBe(1008);
      expect(client.told).toEqual([
        {
          type: "error",
          code: expect.stringMatching(/^(BAD_REQUEST|UNAUTHORIZED|AUTH_FAILED)$/),
          message: expect.any(String),
          ...withPath(client.told[0]),
        },
      ]);
    }),
    run(100),
  );
  await everybodyGone(server);
  await expectUnhurt(server, before);
});

const withPath = (told: object | undefined) => (told !== undefined && "path" in told ? { path: expect.any(String) as string } : {});

it("says nothing of a number that JSON cannot say", async () => {
  const client = await welcomed();
  client.say('{"type":"subscribe","id":1e999,"topics":5}');
  expect(await client.first("error")).not.toHaveProperty("id");
});
