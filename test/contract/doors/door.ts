/** What the tests of all doors share: arbitrary input, and the proof that it hurt nobody. */
import fc from "fast-check";
import WebSocket from "ws";
import { expect } from "vitest";
import { type TestServer, bestPrice, publish, token, until } from "../server.ts";

/** Runs repeat; another seed is tried by setting it. */
export const run = (numRuns: number) => ({ numRuns, seed: Number(process.env["BROADTAPE_TEST_SEED"] ?? 1) });

export const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

/** What hurts those who trust: names of prototypes, text that is no text, numbers that are no numbers. */
const ODD_VALUES: readonly unknown[] = [
  { ["__proto__"]: { type: "subscribe", token: "x" } },
  { constructor: { prototype: {} }, toString: 1, valueOf: null, toJSON: "x", then: "x" },
  { _placeholder: true, num: 0 },
  { length: -1, 0: "x" },
  "\u0000",
  "\ud800",
  "constructor",
  "__proto__",
  "x".repeat(2000),
  Number.MAX_SAFE_INTEGER + 2,
  -0,
  5e-324,
  1.7976931348623157e308,
  [],
  [[]],
];
export const anyJson: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2, stringUnit: "binary" }) },
  { weight: 1, arbitrary: fc.constantFrom(...ODD_VALUES) },
);
/** JSON as text, that which no value is written as too. */
export const anyJsonText = fc.oneof(
  { weight: 6, arbitrary: anyJson.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.constantFrom("1e999", "-1e-999", "1".repeat(400), '{"a":1,"a":2}', '"\\ud800"', nested(100), nested(9000)) },
);
export const anyBytes = fc.uint8Array({ maxLength: 400 });
/** Visible ASCII and Latin-1: what an HTTP header may hold at all. */
export const anyHeader = fc
  .array(fc.integer({ min: 0x20, max: 0xff }), { maxLength: 200 })
  .map((codes) => String.fromCharCode(...codes.map((code) => (code === 0x7f ? 0x20 : code))));
export const anyText = fc.oneof(fc.string({ unit: "binary", maxLength: 100 }), fc.string({ maxLength: 100 }));

/** A value somewhere in a well-formed message replaced, removed or added. */
export function mutated(message: object): fc.Arbitrary<object> {
  const keys = Object.keys(message);
  return fc.oneof(
    fc.tuple(fc.constantFrom(...keys), anyJson).map(([key, value]) => ({ ...message, [key]: value })),
    fc.constantFrom(...keys).map((key) => Object.fromEntries(Object.entries(message).filter(([each]) => each !== key))),
    fc.tuple(fc.string({ maxLength: 20 }), anyJson).map(([key, value]) => ({ ...message, [key]: value })),
  );
}

let round = 0;

/** The server takes a good event and tells it to a stock client, and has taken nothing else since `before`. */
export async function expectUnhurt(server: TestServer, before: number): Promise<void> {
  const symbol = `WELL${round++}`;
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/api/v1/ws`, {
    headers: { authorization: `Bearer ${await token({ sub: "well" })}` },
  });
  const told: string[] = [];
  socket.on("message", (data: Buffer) => told.push(data.toString()));
  await until(() => told.some((text) => text.includes('"welcome"')));
  socket.send(JSON.stringify({ type: "subscribe", topics: [`symbol:${symbol}`] }));
  await until(() => told.some((text) => text.includes('"subscribed"')));
  const { status, body } = await publish(server.url, bestPrice(symbol, "1", "2"));
  expect(status).toBe(200);
  expect(body.results[0]?.offset).toBe(before + 1);
  await until(
    () => told.some((text) => text.includes('"event"') && text.includes(symbol)),
    () => told,
  );
  socket.terminate();
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  expect(server.process.exitCode).toBeNull();
  // A refusal is foreseen; a fault is not. That a reader went while it was written to is told as one (contract 50-sse), and a proxy tells of it.
  const faults = server.output().match(/^.*"level":(50|60).*$/gm) ?? [];
  expect(faults.filter((line) => !line.includes('"delivery failed"'))).toEqual([]);
}

/** Offset of the newest event: that of a good one, published now. */
export async function newestOffset(server: TestServer): Promise<number> {
  const { body } = await publish(server.url, bestPrice("NEWEST", "1", "2"));
  return body.results[0]?.offset ?? 0;
}

/** Resolves once the server holds no session. */
export function everybodyGone(server: TestServer): Promise<true> {
  let held: string[] = [];
  return until(
    async () => {
      held = (await (await fetch(`${server.url}/metrics`)).text()).match(/^broadtape_connections\{.*$/gm) ?? [];
      return held.length === 0;
    },
    () => held,
  );
}
