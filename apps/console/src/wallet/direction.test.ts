import { expect, it } from "vitest";
import { directionOf } from "./direction.ts";

it.each([
  ["CARD_PAYMENT", "out"],
  ["TRANSFER_OUT", "out"],
  ["withdrawal", "out"],
  ["CARD_REFUND", "in"],
  ["PAYMENT_REFUND", "in"],
  ["TRANSFER_IN", "in"],
  ["DEPOSIT", "in"],
] as const)("says that %s goes %s", (type, direction) => {
  expect(directionOf(type)).toBe(direction);
});

it.each(["TRANSFER", "INTERNAL", "constructor", "", "42"])("does not guess at %j", (type) => {
  expect(directionOf(type)).toBe("unknown");
});
