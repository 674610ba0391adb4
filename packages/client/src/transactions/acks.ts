/** Acknowledgements, many in a message: they have a budget of their own, and each one costs the server a little. */
import type { Environment } from "../environment.ts";
import { Pacer } from "../pacer.ts";

const DELAY_MS = 20;
/** Well below the server's largest frame. */
const MAX_IDS = 1000;
const LIMITS = { commandsBurst: 100, commandsPerSecond: 20 };

export class Acks {
  readonly #environment: Pick<Environment, "now" | "after">;
  readonly #send: (eventIds: readonly string[]) => void;
  readonly #pacer: Pacer;
  /** Handled and not yet said on a connection. Outlives a cut, and grows by no more than what was in flight. */
  readonly #waiting = new Set<string>();
  #isOpen = false;
  #cancel: (() => void) | undefined;

  constructor(environment: Pick<Environment, "now" | "after">, send: (eventIds: readonly string[]) => void) {
    this.#environment = environment;
    this.#send = send;
    this.#pacer = new Pacer(environment.now);
  }

  add(eventId: string): void {
    this.#waiting.add(eventId);
    this.#flushIn(DELAY_MS);
  }

  open(): void {
    this.#isOpen = true;
    this.#pacer.reset(LIMITS);
    if (this.#waiting.size > 0) this.#flushIn(DELAY_MS);
  }

  cut(): void {
    this.#isOpen = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** The server says that it was too much. */
  pause(ms: number): void {
    this.#pacer.pause(ms);
  }

  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    while (this.#isOpen && this.#waiting.size > 0) {
      if (!this.#pacer.take()) {
        this.#flushIn(this.#pacer.waitMs);
        return;
      }
      const eventIds = [...this.#waiting.values().take(MAX_IDS)];
      for (const eventId of eventIds) this.#waiting.delete(eventId);
      this.#send(eventIds);
    }
  }

  #flushIn(ms: number): void {
    if (!this.#isOpen) return;
    this.#cancel ??= this.#environment.after(ms, () => this.flush());
  }
}
