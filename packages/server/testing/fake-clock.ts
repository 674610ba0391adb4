/** Time that moves when a test moves it. */
import type { Clock } from "../src/engine/clock.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

export class FakeClock implements Clock {
  #wall = 1_700_000_000_000;
  #monotonic = 1000;
  #timers: Timer[] = [];
  #endOfTurn: (() => void)[] = [];

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#monotonic + Math.max(0, ms), run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  endOfTurn(run: () => void): void {
    this.#endOfTurn.push(run);
  }

  /** Timers that wait. */
  get timers(): number {
    return this.#timers.length;
  }

  /** Ends the present turn of the event loop. */
  turn(): void {
    for (let waiting = this.#endOfTurn; waiting.length > 0; waiting = this.#endOfTurn) {
      this.#endOfTurn = [];
      for (const run of waiting) run();
    }
  }

  /** Ends the present turn and lets so much time pass, with every timer at its time. */
  advance(ms: number): void {
    this.turn();
    const until = this.#monotonic + ms;
    for (let next = this.#firstUntil(until); next !== undefined; next = this.#firstUntil(until)) {
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.#pass(Math.max(0, next.at - this.#monotonic));
      next.run();
      this.turn();
    }
    this.#pass(until - this.#monotonic);
  }

  /** The process slept: time passed and no timer came at its time. */
  stall(ms: number): void {
    this.#pass(ms);
  }

  /** Somebody set the wall clock. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  #pass(ms: number): void {
    this.#wall += ms;
    this.#monotonic += ms;
  }

  #firstUntil(until: number): Timer | undefined {
    const due = this.#timers.filter(({ at }) => at <= until);
    return due.reduce<Timer | undefined>((first, each) => (first === undefined || each.at < first.at ? each : first), undefined);
  }
}
