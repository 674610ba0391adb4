import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { claimsOf, expiryOf, userOf } from "./token.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const tokenOf = (claims: unknown) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.signature`;

describe("a token's claims", () => {
  it("are read in whatever letters they are", () => {
    fc.assert(
      fc.property(fc.record({ sub: fc.string({ unit: "binary" }), exp: fc.integer() }), (claims) => {
        expect(claimsOf(tokenOf(claims))).toEqual(claims);
        expect(userOf(tokenOf(claims))).toBe(claims.sub);
        expect(expiryOf(tokenOf(claims))).toBe(claims.exp * 1000);
      }),
      { seed },
    );
  });

  it("are unknown where the text is no token, and never an error", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom("", ".", "..", "a.!.c", tokenOf(null), tokenOf(7), tokenOf("text"))), (text) => {
        expect(claimsOf(text)).toBeUndefined();
        expect([userOf(text), expiryOf(text)]).toEqual([undefined, undefined]);
      }),
      { seed },
    );
  });

  it("count only where they are of the right type", () => {
    expect(userOf(tokenOf({ sub: 7 }))).toBeUndefined();
    expect(expiryOf(tokenOf({ exp: "soon" }))).toBeUndefined();
    expect(expiryOf(tokenOf({}))).toBeUndefined();
  });
});
