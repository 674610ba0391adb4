/** Keeps a connection's commands below the server's limit (a token bucket like the server's). */
import type { Environment } from "./environment.ts";

export class Pacer {
  readonly #now: Environment["now"];
  #burst = 1;
  #perSecond = 1;
  #tokens = 1;
  #at = 0;

  constructor(now: Environment["now"]) {
    this.#now = now;
  }

  /** A new connection with these limits. */
  reset({ commandsBurst, commandsPerSecond }: { readonly commandsBurst: number; readonly commandsPerSecond: number }): void {
    this.#burst = commandsBurst;
    this.#perSecond = commandsPerSecond;
    this.#tokens = commandsBurst;
    this.#at = this.#now();
  }

  /** Takes one command if it may be sent now. */
  take(): boolean {
    const now = this.#now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (Math.max(0, now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** The server says that it was too much: nothing for so long. */
  pause(ms: number): void {
    this.#tokens = Math.min(0, 1 - (ms / 1000) * this.#perSecond);
    this.#at = this.#now();
  }

  /** Milliseconds until the next command may be sent. */
  get waitMs(): number {
    return Math.max(1, Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1000));
  }
}
