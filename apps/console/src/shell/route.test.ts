import { expect, it } from "vitest";
import { addressOf, partOf } from "./route.ts";

it.each([
  ["/", "desk"],
  ["/operations", "operations"],
  ["/try", "try"],
  ["/under/a/prefix/operations", "operations"],
  ["/under/a/prefix/", "desk"],
  ["/elsewhere", "desk"],
] as const)("shows at %s the part %s", (pathname, part) => {
  expect(partOf(pathname)).toBe(part);
});

it("leads from part to part under any prefix, and keeps who is signed in", () => {
  const at = (part: Parameters<typeof addressOf>[0]) => new URL(addressOf(part, "?as=ben"), "http://host/a/operations").href;
  expect([at("desk"), at("try"), at("operations")]).toEqual([
    "http://host/a/?as=ben",
    "http://host/a/try?as=ben",
    "http://host/a/operations?as=ben",
  ]);
});
