import { expect, it } from "vitest";
import { indentJson } from "./indent-json.ts";

it("indents as JSON.stringify does", () => {
  const value = { a: [], b: {}, c: [1, { d: 'te"xt, {[:\\' }], e: null, f: [[true]] };
  expect(indentJson(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
});

it("leaves every digit as it is", () => {
  expect(indentJson('{"price":1.10,"size":12345678901234567890.00}')).toBe('{\n  "price": 1.10,\n  "size": 12345678901234567890.00\n}');
});

it("indents again what was indented", () => {
  const once = indentJson('{"a":[1,2]}');
  expect(indentJson(once)).toBe(once);
});
