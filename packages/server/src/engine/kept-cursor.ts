/**
 * The newest cursor that a client was sent, on wires where it keeps that itself: it never passes a value that still waits, and goes back
 * only where the log is told again. Resuming from it misses nothing.
 */
import type { Offset } from "@broadtape/protocol/event-id";
import type { Message } from "./message.ts";

export class KeptCursor {
  #at: Offset = 0;

  /** It goes out with its own id. */
  sent({ offset, eventId }: Message): void {
    if (offset > this.#at && eventId !== "") this.#at = offset;
  }

  /** Everything after `offset` is told again. */
  back(offset: Offset): void {
    this.#at = Math.min(this.#at, offset);
  }

  /** What goes out with a value while none is held that is older than `oldestHeld`; undefined where that is the value's own id, or it has none. */
  goingWith({ offset, eventId }: Message, oldestHeld: Offset): Offset | undefined {
    if (eventId === "") return undefined;
    const passed = Math.min(offset, oldestHeld - 1);
    if (passed === offset && offset >= this.#at) {
      this.#at = offset;
      return undefined;
    }
    this.#at = Math.max(this.#at, passed);
    return this.#at;
  }
}
