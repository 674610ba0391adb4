import { describe, expect, it } from "vitest";
import { retryAfterOf } from "./retry-after.ts";

const NOW = Date.UTC(2026, 10, 21, 8, 0, 0);

describe("Retry-After", () => {
  it("is seconds or a date, and never in the past", () => {
    expect(retryAfterOf("120", NOW)).toBe(120_000);
    expect(retryAfterOf(" 0 ", NOW)).toBe(0);
    expect(retryAfterOf("Sat, 21 Nov 2026 08:00:30 GMT", NOW)).toBe(30_000);
    expect(retryAfterOf("Saturday, 21-Nov-26 08:00:30 GMT", NOW)).toBe(30_000);
    expect(retryAfterOf("Sat, 21 Nov 2020 08:00:30 GMT", NOW)).toBe(0);
  });

  it.each([null, "", "soon", "-5", "1.5", "2027", "1e9", "9999999999"])("%j says nothing, or a number of seconds", (value) => {
    expect(retryAfterOf(value, NOW)).toBe(value === "2027" ? 2_027_000 : undefined);
  });
});
