import { describe, expect, it } from "vitest";
import { averaged, grouped } from "./digits.ts";

describe("digits on the screen", () => {
  it.each([
    ["1234567.50", "1,234,567.50"],
    ["-1000", "-1,000"],
    ["999", "999"],
    ["0.123456", "0.123456"],
  ])("are grouped before the point, and none is lost: %s", (digits, expected) => {
    expect(grouped(digits)).toBe(expected);
  });

  it.each([
    ["1.3976142857142857", "1.39761"],
    ["1289.4412345", "1289.441"],
    ["1289.4", "1289.4"],
    ["0.0000123456", "0.0000123456"],
    ["7.1234", "7.1234"],
  ])("of an average are as many as of a price of its size: %s", (digits, expected) => {
    expect(averaged(digits)).toBe(expected);
  });
});
