import { describe, expect, it } from "vitest";
import { outboxRig } from "../../testing/outbox-rig.ts";
import { dueAt, intervalOf, noteTold } from "./pace.ts";

describe("the pace of values", () => {
  const { subscription } = outboxRig();

  it("is by key", () => {
    const paced = subscription(intervalOf(4));
    noteTold(paced, "a", 1000);
    expect([dueAt(paced, "a"), dueAt(paced, "b")]).toEqual([1250, -Infinity]);
  });

  it("is one for all keys in a window", () => {
    const paced = { ...subscription(100), window: { sentAt: -Infinity } };
    noteTold(paced, "a", 1000);
    expect([dueAt(paced, "a"), dueAt(paced, "b")]).toEqual([1100, 1100]);
    expect(paced.sentAt.size).toBe(0);
  });

  it("is none without a limit", () => {
    expect([intervalOf(undefined), dueAt(subscription(), "a")]).toEqual([0, 0]);
  });
});
