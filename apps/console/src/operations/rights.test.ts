import { expect, it } from "vitest";
import { claimsOf } from "./rights.ts";

const tokenOf = (claims: unknown) => `head.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.signature`;

it("reads who a token is of and what it allows", () => {
  expect(claimsOf(tokenOf({ sub: "Zoë ÿ", tenantId: "t", permissions: ["stream:admin", 1] }))).toEqual({
    userId: "Zoë ÿ",
    tenantId: "t",
    permissions: ["stream:admin"],
  });
  expect(claimsOf(tokenOf({ sub: "u" }))?.permissions).toEqual([]);
});

it("knows nothing of what is no token", () => {
  expect(["", "opaque", "a.%%%.b", tokenOf(null)].map(claimsOf)).toEqual([undefined, undefined, undefined, undefined]);
});
