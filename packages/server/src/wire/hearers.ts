/** Who hears what a wire brings, and what is counted of it. */
import type { StoredEvent } from "@broadtape/protocol/event";
import type { WireMeter } from "./wire.ts";

export class Hearers {
  readonly #meter: WireMeter;
  readonly #ofBatches = new Set<(batch: readonly StoredEvent[]) => void>();
  readonly #ofWakes = new Set<() => void>();

  constructor(meter: WireMeter) {
    this.#meter = meter;
  }

  onBatch(hear: (batch: readonly StoredEvent[]) => void): () => void {
    this.#ofBatches.add(hear);
    return () => void this.#ofBatches.delete(hear);
  }

  onWake(hear: () => void): () => void {
    this.#ofWakes.add(hear);
    return () => void this.#ofWakes.delete(hear);
  }

  tell(batch: readonly StoredEvent[]): void {
    this.#meter.heard += 1;
    for (const hear of this.#ofBatches) hear(batch);
  }

  wake(): void {
    this.#meter.wakes += 1;
    for (const hear of this.#ofWakes) hear();
  }

  /** From now on nobody hears anything. */
  clear(): void {
    this.#ofBatches.clear();
    this.#ofWakes.clear();
  }
}
