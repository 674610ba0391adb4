/** Time comes in through the door, so that a test can run days of traffic in seconds (design.md, idea 6). */

export interface Clock {
  /** Milliseconds since the epoch: for stamps that others see. May jump. */
  now(): number;
  /** Milliseconds of a clock that never jumps: for intervals. */
  monotonic(): number;
  /** Calls back once after `ms`; returns a function that prevents it. */
  after(ms: number, run: () => void): () => void;
  /** Calls back once when the present turn's input has been read, before new input. */
  endOfTurn(run: () => void): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
  endOfTurn(run) {
    setImmediate(run);
  },
};

/** ISO 8601 in UTC with milliseconds, as `timestamp` and `...At` stand in messages (contract 70-details "times"). */
export function isoTime(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== isoSecond) {
    // Throws for what is no time, and remembers nothing then.
    isoPrefix = new Date(second * 1000).toISOString().slice(0, -4);
    isoSecond = second;
  }
  return `${isoPrefix}${String(Math.floor(ms) - second * 1000).padStart(3, "0")}Z`;
}

/** The last second that was spelled: most stamps are of the present one. */
let isoSecond = NaN;
let isoPrefix = "";
