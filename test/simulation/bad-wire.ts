/** A wire that loses, doubles, delays and reorders what it carries, each as often as the generator wills. */
import type { StoredEvent } from "@broadtape/protocol/event";
import { type Wire, newWireMeter } from "../../packages/server/src/wire/wire.ts";

export class BadWire {
  readonly #random: () => number;
  readonly #ends: { node: number; batch: ((batch: readonly StoredEvent[]) => void)[]; wake: (() => void)[] }[] = [];
  readonly #carried: (() => void)[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  endOf(node: number): Wire {
    const end = { node, batch: [] as ((batch: readonly StoredEvent[]) => void)[], wake: [] as (() => void)[] };
    this.#ends.push(end);
    return {
      status: "connected",
      meter: newWireMeter(),
      announce: (batch) => {
        for (const other of this.#ends) {
          if (other === end) continue;
          const copies = this.#random() < 0.2 ? 0 : this.#random() < 0.1 ? 2 : 1;
          for (let copy = 0; copy < copies; copy++) this.#carried.push(() => other.batch.forEach((hear) => hear(batch)));
          if (this.#random() < 0.1) this.#carried.push(() => other.wake.forEach((hear) => hear()));
        }
      },
      onBatch: (hear) => {
        end.batch.push(hear);
        return () => undefined;
      },
      onWake: (hear) => {
        end.wake.push(hear);
        return () => undefined;
      },
      close: () => Promise.resolve(),
    };
  }

  /** Something that is on its way arrives, most often the oldest. */
  carry(): void {
    const at = this.#random() < 0.8 ? 0 : Math.floor(this.#random() * this.#carried.length);
    this.#carried.splice(at, 1)[0]?.();
  }
}
