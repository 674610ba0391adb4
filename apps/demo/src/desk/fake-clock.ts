/** A clock for tests: time passes when it is told to, and everything happens in order. */
import type { Clock } from "./clock.ts";

export class FakeClock implements Clock {
  #now = Date.UTC(2026, 0, 5, 9);
  #due: { readonly at: number; readonly act: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, act: () => void): () => void {
    const entry = { at: this.#now + Math.max(0, ms), act };
    this.#due.push(entry);
    return () => {
      this.#due = this.#due.filter((each) => each !== entry);
    };
  }

  /** What waits to be done. */
  get waiting(): number {
    return this.#due.length;
  }

  /** Lets so much time pass; promises that settle on the way are heard before the next thing is done. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = next.at;
      this.#due = this.#due.filter((each) => each !== next);
      next.act();
      await settled();
    }
    this.#now = end;
  }

  #next(end: number) {
    const due = this.#due.filter(({ at }) => at <= end);
    return due.length === 0 ? undefined : due.reduce((first, each) => (each.at < first.at ? each : first));
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
