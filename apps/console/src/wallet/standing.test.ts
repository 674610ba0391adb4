import { expect, it } from "vitest";
import type { EventMessage } from "@broadtape/protocol/native";
import { WALLET_FOLDS, statusIn } from "./standing.ts";

const told = (event: string, wallet: object): EventMessage =>
  ({ type: "event", topic: "wallets:ada", event, data: { userId: "ada", wallet } }) as EventMessage;

it("goes on from the server's snapshot, whatever its offsets", () => {
  const fold = WALLET_FOLDS["wallets"]!;
  const snapshot = { wallets: [{ currency: "GBP", standing: { status: "ACTIVE", offset: 900, time: "" } }] };
  const frozen = fold(snapshot, told("wallet.changed", { currency: "GBP", action: "FROZEN", status: "FROZEN" }));
  expect(statusIn(frozen, "GBP")).toBe("FROZEN");
  expect(statusIn(frozen, "USD")).toBeUndefined();
  expect(statusIn(fold(frozen, told("wallet.changed", { currency: "GBP", action: "UNFROZEN", status: "ACTIVE" })), "GBP")).toBe("ACTIVE");
});

it("begins where nothing was published", () => {
  const fold = WALLET_FOLDS["wallets"]!;
  expect(statusIn(undefined, "GBP")).toBeUndefined();
  expect(statusIn(null, "GBP")).toBeUndefined();
  expect(statusIn(fold(undefined, told("wallet.changed", { currency: "GBP", action: "CREATED", status: "ACTIVE" })), "GBP")).toBe("ACTIVE");
});
