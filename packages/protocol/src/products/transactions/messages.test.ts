import { describe, expect, it } from "vitest";
import { ackOf, feedClientMessage, feedServerMessage } from "./messages.ts";

const pathOf = (message: unknown) => feedClientMessage.safeParse(message).error?.issues[0]?.path.join(".");
const says = (message: unknown) => feedServerMessage.safeParse(message).success;
const eventId = "EV-0001000000000001";
const timestamp = "2024-11-09T14:30:00.123Z";

describe("a client's message of the money feed", () => {
  it.each([
    { type: "subscribe" },
    { type: "subscribe", events: null, filters: null, after: null },
    { type: "subscribe", events: ["transaction", "balance"], filters: { minAmount: 1000, maxAmount: 1000000, status: "SUCCESS" } },
    { type: "subscribe", events: ["fraud"], after: "anything at all", clientVersion: "fields that nobody named pass" },
    { type: "unsubscribe", events: ["fraud"] },
    { type: "ack", eventId },
    { type: "ack", eventIds: [] },
    { type: "ack", eventIds: [eventId, "no event id"] },
    { type: "ack", upTo: eventId },
    { type: "pong" },
    { type: "reauthenticate", token: "t" },
  ])("may be %j", (message) => {
    expect(feedClientMessage.parse(message)).toEqual(message);
  });

  it.each([undefined, null, 5, "ping", [], {}, { type: "ping" }, { type: "connected" }, { type: ["ack"], eventId }])(
    "is never %j",
    (message) => {
      expect(feedClientMessage.safeParse(message).success).toBe(false);
    },
  );

  it.each([
    [{ type: "subscribe", events: ["news"] }, "events.0"],
    [{ type: "subscribe", filters: { regex: ".*" } }, "filters.regex"],
    [{ type: "subscribe", filters: { minAmount: 2, maxAmount: 1 } }, "filters.minAmount"],
    [{ type: "subscribe", after: 5 }, "after"],
    [{ type: "unsubscribe" }, "events"],
    [{ type: "unsubscribe", events: [] }, "events"],
    [{ type: "ack" }, ""],
    [{ type: "ack", eventId, upTo: eventId }, ""],
    [{ type: "ack", eventId: 5 }, "eventId"],
    [{ type: "ack", eventIds: eventId }, "eventIds"],
    [{ type: "ack", eventIds: [null] }, "eventIds.0"],
    [{ type: "ack", eventIds: Array(10_001).fill(eventId) }, "eventIds"],
    [{ type: "reauthenticate", token: "" }, "token"],
  ])("is refused as %j, and the bad field is named", (message, path) => {
    expect(pathOf(message)).toBe(path);
  });

  it("acknowledges one event, several, or all up to one", () => {
    expect(ackOf({ eventId: "a" })).toEqual({ eventIds: ["a"] });
    expect(ackOf({ eventIds: ["a", "b"] })).toEqual({ eventIds: ["a", "b"] });
    expect(ackOf({ upTo: "b" })).toEqual({ upTo: "b" });
  });
});

describe("the server's message of the money feed", () => {
  it.each([
    { type: "connected", connectionId: "c1", timestamp, resumed: false },
    { type: "connected", connectionId: "c1", timestamp, resumed: true, subscription: { events: ["fraud"], filters: {} } },
    {
      type: "balance",
      eventId,
      timestamp,
      wallet: { currency: "NGN", availableBalance: 1, ledgerBalance: "2.00", pendingAmount: 0, lockedAmount: 0 },
    },
    { type: "wallet", eventId, timestamp, redelivered: true, attempt: 2, wallet: { currency: "USD", action: "FROZEN", status: "FROZEN" } },
    { type: "subscribed", events: ["transaction"], filters: { status: ["FAILED"] }, timestamp },
    { type: "unsubscribed", events: [], filters: {}, timestamp },
    { type: "ping", timestamp, lastEventId: eventId },
    { type: "resync", reason: "expired" },
    { type: "error", code: "BAD_REQUEST", message: "is no filter", path: "filters.x" },
    { type: "error", code: "RATE_LIMITED", message: "too many", retryAfterMs: 5 },
  ])("may be %j", (message) => {
    expect(feedServerMessage.parse(message)).toEqual(message);
    expect(says({ ...message, later: "fields that come later" })).toBe(true);
  });

  it.each([
    { type: "ping", lastEventId: eventId },
    { type: "ping", timestamp: "2024-11-09T14:30:00Z", lastEventId: eventId },
    { type: "wallet", eventId: "1-2", timestamp, wallet: { currency: "USD", action: "FROZEN", status: "FROZEN" } },
    { type: "wallet", eventId, timestamp, attempt: 1, wallet: { currency: "USD", action: "FROZEN", status: "FROZEN" } },
    { type: "error", code: "OOPS", message: "x" },
    { type: "resync", reason: "because" },
    { type: "news" },
  ])("is never %j", (message) => {
    expect(says(message)).toBe(false);
  });
});
