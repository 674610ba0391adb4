/** What the tests of all doors share: arbitrary input, and the proof that it hurt nobody. */
import fc from "fast-check";
import WebSocket from "ws";
import { expect } from "vitest";
import { type TestServer, bestPrice, publish, token, until } from "../server.ts";

/** Runs repeat; another seed is tried by setting it. */
export const run = (numRuns: number) => ({ numRuns, seed: Number(process.env["BROADTAPE_TEST_SEED"] ?? 1) });

export const anyJson = fc.jsonValue({ maxDepth: 4 });
export const anyBytes = fc.uint8Array({ maxLength: 400 });
/** Visible ASCII and Latin-1: what an HTTP header may hold at all. */
export const anyHeader = fc
  .array(fc.integer({ min: 0x20, max: 0xff }), { maxLength: 200 })
  .map((codes) => String.fromCharCode(...codes.map((code) => (code === 0x7f ? 0x20 : code))));
export const anyText = fc.oneof(fc.string({ unit: "binary", maxLength: 100 }), fc.string({ maxLength: 100 }));

/** A value somewhere in a well-formed message replaced, removed or added. */
export function mutated(message: object): fc.Arbitrary<unknown> {
  const keys = Object.keys(message);
  return fc.oneof(
    fc.tuple(fc.constantFrom(...keys), anyJson).map(([key, value]) => ({ ...message, [key]: value })),
    fc.constantFrom(...keys).map((key) => Object.fromEntries(Object.entries(message).filter(([each]) => each !== key))),
    fc.tuple(fc.string({ maxLength: 20 }), anyJson).map(([key, value]) => ({ ...message, [key]: value })),
  );
}

let round = 0;

/** The server takes a good event and tells it, and has taken nothing else since `before`. */
export async function expectUnhurt(server: TestServer, before: number): Promise<void> {
  const symbol = `WELL${round++}`;
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/api/v1/ws`, {
    headers: { authorization: `Bearer ${await token()}` },
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
  expect(server.process.exitCode).toBeNull();
  // A refusal is foreseen; a fault is not.
  expect(server.output().match(/"level":(50|60)/g)).toBeNull();
}

/** Offset of the newest event: that of a good one, published now. */
export async function newestOffset(server: TestServer): Promise<number> {
  const { body } = await publish(server.url, bestPrice("NEWEST", "1", "2"));
  return body.results[0]?.offset ?? 0;
}
