/** The wire of one node: there is nobody to tell. */
import { newWireMeter, type Wire } from "./wire.ts";

export function noWire(): Wire {
  const nothing = () => undefined;
  return {
    status: "none",
    meter: newWireMeter(),
    announce: nothing,
    onBatch: () => nothing,
    onWake: () => nothing,
    close: () => Promise.resolve(),
  };
}
