import { describe, expect, it } from "vitest";
import { tokenClaims } from "./identity.ts";

const whole = { sub: "ann", tenantId: "acme", exp: 1_700_000_000 };

describe("the claims of a token", () => {
  it("are who, which tenant and until when; anything else may come along", () => {
    expect(tokenClaims.safeParse(whole).success).toBe(true);
    const more = { ...whole, permissions: ["events:publish"], team: ["bob"], name: "Ann", iat: 1, jti: "x" };
    expect(tokenClaims.safeParse(more).success).toBe(true);
  });

  it.each(["sub", "tenantId", "exp"])("are refused without %s", (claim) => {
    expect(tokenClaims.safeParse({ ...whole, [claim]: undefined }).success).toBe(false);
    expect(tokenClaims.safeParse({ ...whole, [claim]: null }).success).toBe(false);
  });

  it.each([
    ["sub", ""],
    ["sub", "x".repeat(257)],
    ["sub", 7],
    ["tenantId", ""],
    ["tenantId", "x".repeat(129)],
    ["exp", "1700000000"],
    ["exp", NaN],
    ["exp", Infinity],
    ["permissions", "events:publish"],
    ["permissions", [1]],
    ["permissions", Array.from({ length: 1001 }, () => "p")],
    ["team", [""]],
    ["team", Array.from({ length: 10_001 }, () => "t")],
    ["name", "x".repeat(257)],
  ])("are refused with %s %j", (claim, value) => {
    expect(tokenClaims.safeParse({ ...whole, [claim]: value }).success).toBe(false);
  });

  it("hold no control characters in names that become keys: two users could share one", () => {
    for (const name of ["a\u0000b", "a\nb", "\u007f"]) {
      expect(tokenClaims.safeParse({ ...whole, sub: name }).success).toBe(false);
      expect(tokenClaims.safeParse({ ...whole, tenantId: name }).success).toBe(false);
      expect(tokenClaims.safeParse({ ...whole, team: [name] }).success).toBe(false);
    }
  });
});
