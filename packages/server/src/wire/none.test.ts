import { expect, it } from "vitest";
import { newEvent } from "./contract-place.ts";
import { noWire } from "./none.ts";

it("takes everything, tells nothing and is never connected", async () => {
  const wire = noWire();
  const told: string[] = [];
  wire.onWake(() => told.push("wake"));
  wire.onBatch(() => told.push("batch"));
  wire.announce([newEvent(1)]);
  await wire.close();
  expect([wire.status, told, wire.meter.unsent]).toEqual(["none", [], 0]);
});
