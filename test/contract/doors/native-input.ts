/** Well-formed commands of the native protocol to begin from, and what may be said to whatever they become. */
import fc from "fast-check";
import { expect } from "vitest";
import { anyJson, anyJsonText, anyText, mutated } from "./door.ts";

export const COMMANDS: readonly object[] = [
  { type: "subscribe", id: 1, topics: ["symbol:A"], after: "x", maxUpdatesPerSecond: 5, filters: {}, snapshot: false },
  { type: "unsubscribe", id: 1, topics: ["symbol:A"] },
  { type: "update", id: 1, topics: ["symbol:A"], maxUpdatesPerSecond: 5 },
  { type: "ack", upTo: "1735819800000-zzzzzzzzzzzzzz" },
  { type: "reauthenticate", token: "x" },
  { type: "pong" },
];

/** Names of topics, of which some are names of some. */
const anyTopics = fc.array(
  fc.oneof(
    anyText,
    fc.tuple(fc.constantFrom("symbol", "rfq", "trader", "orders", "__proto__", ""), anyText).map((parts) => parts.join(":")),
  ),
  { minLength: 1, maxLength: 5 },
);

export const anyCommand: fc.Arbitrary<string> = fc.oneof(
  anyText.map((text) => text.toWellFormed()),
  anyJsonText,
  fc.oneof(...COMMANDS.map(mutated)).map((value) => JSON.stringify(value)),
  fc
    .tuple(fc.constantFrom("subscribe", "unsubscribe", "update"), anyTopics, anyText, fc.oneof(fc.double(), fc.integer()))
    .map(([type, topics, after, maxUpdatesPerSecond]) => JSON.stringify({ type, id: 2, topics, after, maxUpdatesPerSecond })),
  fc.tuple(fc.string({ maxLength: 70 }), anyJson).map(([field, bound]) => JSON.stringify({ ...COMMANDS[0], filters: { [field]: bound } })),
);

const CODES = ["AUTH_FAILED", "FORBIDDEN", "BAD_REQUEST", "LIMIT_REACHED"];

/** An answer, or an error as the contract words it (00-common "Errors on sockets"). */
export function expectTold(message: Readonly<Record<string, unknown>>): void {
  expect(["subscribed", "unsubscribed", "updated", "resync", "ping", "event", "error"]).toContain(message["type"]);
  if ("id" in message) expect(message["id"]).toEqual(expect.toSatisfy((id: unknown) => typeof id === "string" || typeof id === "number"));
  if (message["type"] !== "error") return;
  expect(message).toMatchObject({ code: expect.toSatisfy((code: string) => CODES.includes(code)), message: expect.any(String) });
  if (message["code"] === "BAD_REQUEST") expect(message["path"]).toEqual(expect.any(String));
}
