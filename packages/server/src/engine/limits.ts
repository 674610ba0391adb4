/** Rates of what clients send. */
import type { Clock } from "./clock.ts";

/** A client that goes on at ten times its rate is no flood. */
const FORGIVEN = 10;

/** `burst` commands at once, refilled by `perSecond`. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #filledAt: number;
  /** Refusals, of which each pass makes up for some: a flood after RATE_LIMITED is abuse, however slowly it is read. */
  refusals = 0;

  constructor(clock: Clock, burst: number, perSecond: number) {
    this.#clock = clock;
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
    this.#filledAt = clock.monotonic();
  }

  /** Takes a token; undefined when there was one, else the milliseconds until there is. */
  take(): number | undefined {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#filledAt) / 1000) * this.#perSecond);
    this.#filledAt = now;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      this.refusals = Math.max(0, this.refusals - FORGIVEN);
      return undefined;
    }
    this.refusals += 1;
    return Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1000);
  }

  /** Whether so much came after the limit was told that the connection should end. */
  get isFlooded(): boolean {
    return this.refusals > 10 * this.#burst;
  }
}
