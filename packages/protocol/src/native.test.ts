import { describe, expect, it } from "vitest";
import { clientMessage } from "./native.ts";

const takes = (message: unknown) => clientMessage.safeParse(message).success;
const pathOf = (message: unknown) => clientMessage.safeParse(message).error?.issues[0]?.path.join(".");

describe("a client's message of the native protocol", () => {
  it.each([
    { type: "authenticate", token: "t" },
    { type: "subscribe", topics: ["symbol:EUR/USD"] },
    { type: "subscribe", id: 1, topics: ["rfq:1"], after: "anything", maxUpdatesPerSecond: 0.5, filters: { side: "buy" }, snapshot: false },
    { type: "unsubscribe", id: "a", topics: ["rfq:1"] },
    { type: "update", topics: ["rfq:1"], maxUpdatesPerSecond: 4 },
    { type: "update", topics: ["rfq:1"], maxUpdatesPerSecond: null },
    { type: "ack", upTo: "EV-0001000000000001" },
    { type: "reauthenticate", token: "t" },
    { type: "pong" },
    { type: "pong", unknown: "fields pass" },
  ])("may be $type", (message) => {
    expect(takes(message)).toBe(true);
  });

  it.each([undefined, null, 1, "ping", [], {}, { type: "publish" }, { type: "welcome" }, { type: "event", topic: "x" }])(
    "is never %j",
    (message) => {
      expect(takes(message)).toBe(false);
    },
  );

  it.each([
    [{ type: "authenticate" }, "token"],
    [{ type: "authenticate", token: "" }, "token"],
    [{ type: "subscribe" }, "topics"],
    [{ type: "subscribe", topics: [] }, "topics"],
    [{ type: "subscribe", topics: "rfq:1" }, "topics"],
    [{ type: "subscribe", topics: ["a", ""] }, "topics.1"],
    [{ type: "subscribe", topics: ["x".repeat(513)] }, "topics.0"],
    [{ type: "subscribe", topics: Array.from({ length: 10_001 }, () => "a") }, "topics"],
    [{ type: "subscribe", topics: ["a"], id: {} }, "id"],
    [{ type: "subscribe", topics: ["a"], id: "x".repeat(129) }, "id"],
    [{ type: "subscribe", topics: ["a"], after: 5 }, "after"],
    [{ type: "subscribe", topics: ["a"], snapshot: "no" }, "snapshot"],
    [{ type: "subscribe", topics: ["a"], maxUpdatesPerSecond: 0 }, "maxUpdatesPerSecond"],
    [{ type: "subscribe", topics: ["a"], maxUpdatesPerSecond: -1 }, "maxUpdatesPerSecond"],
    [{ type: "subscribe", topics: ["a"], maxUpdatesPerSecond: 1e-9 }, "maxUpdatesPerSecond"],
    [{ type: "subscribe", topics: ["a"], maxUpdatesPerSecond: 1001 }, "maxUpdatesPerSecond"],
    [{ type: "subscribe", topics: ["a"], maxUpdatesPerSecond: NaN }, "maxUpdatesPerSecond"],
    [{ type: "update", topics: ["a"] }, "maxUpdatesPerSecond"],
    [{ type: "ack" }, "upTo"],
    [{ type: "ack", upTo: "x".repeat(65) }, "upTo"],
    [{ type: "reauthenticate", token: 1 }, "token"],
  ])("is refused as %j, and the bad field named", (message, path) => {
    expect(pathOf(message)).toBe(path);
  });
});

describe("a filter", () => {
  const filtered = (bound: unknown, field = "amount") => takes({ type: "subscribe", topics: ["a"], filters: { [field]: bound } });

  it.each(["buy", 5, true, ["a", 1], { min: 1 }, { max: "1.10" }, { min: "1", max: 2 }, {}])("may be %j", (bound) => {
    expect(filtered(bound)).toBe(true);
  });

  it.each([
    null,
    [],
    [true],
    [["a"]],
    { min: true },
    { from: 1 },
    { min: 1, regex: ".*" },
    "x".repeat(257),
    Array.from({ length: 101 }, () => 1),
    { min: "1".repeat(65) },
  ])("is never %j", (bound) => {
    expect(filtered(bound)).toBe(false);
  });

  it("names its field in at most 64 characters", () => {
    expect(filtered(1, "x".repeat(64))).toBe(true);
    expect(filtered(1, "x".repeat(65))).toBe(false);
    expect(filtered(1, "")).toBe(false);
  });
});
