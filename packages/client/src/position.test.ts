import { describe, expect, it } from "vitest";
import { ledgerId } from "@broadtape/protocol/event-id";
import { idOf } from "../testing/fake-environment.ts";
import { isNewer, later } from "./position.ts";

describe("places in the log", () => {
  it("are compared by offset, in whichever spelling", () => {
    expect(isNewer(idOf(2), idOf(1))).toBe(true);
    expect(isNewer(idOf(1), idOf(1))).toBe(false);
    expect(isNewer(idOf(1), idOf(2))).toBe(false);
    expect(isNewer(ledgerId(1, 36), idOf(35))).toBe(true);
    expect(isNewer(ledgerId(1, 35), idOf(35))).toBe(false);
  });

  it("of another life of the log, or in no known spelling, are not held back", () => {
    expect(isNewer(idOf(1, 2), idOf(9, 1))).toBe(true);
    expect(isNewer("nonsense", idOf(9))).toBe(true);
    expect(isNewer(idOf(1), "nonsense")).toBe(true);
    expect(isNewer(idOf(1), undefined)).toBe(true);
  });

  it("as cursors only go forward, and are never what cannot be resumed from", () => {
    expect(later(idOf(1), idOf(2))).toBe(idOf(2));
    expect(later(idOf(2), idOf(1))).toBe(idOf(2));
    expect(later(undefined, idOf(1))).toBe(idOf(1));
    expect(later(idOf(1), undefined)).toBe(idOf(1));
    expect(later(idOf(1), "")).toBe(idOf(1));
    expect(later(undefined, "nonsense")).toBeUndefined();
  });
});
