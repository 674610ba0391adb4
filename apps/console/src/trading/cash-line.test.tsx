import { expect, it } from "vitest";
import { grouped } from "../rfq/digits.ts";

it.each([
  ["5000000.00", "5,000,000.00"],
  ["-1234.5678", "-1,234.5678"],
  ["999", "999"],
  ["0.1234567", "0.1234567"],
  ["100000", "100,000"],
])("groups %s before the point and keeps every digit", (digits, expected) => {
  expect(grouped(digits)).toBe(expected);
});
