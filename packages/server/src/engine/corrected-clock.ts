import type { Clock } from "./clock.ts";

/**
 * A clock that tells another one's time: several nodes go by the database's (decision 0008). Intervals are the base's own.
 *
 * @param offset milliseconds that the other one is ahead, as known now
 */
export function correctedClock(base: Clock, offset: () => number): Clock {
  return {
    // A stamp is a whole number of milliseconds.
    now: () => Math.round(base.now() + offset()),
    monotonic: () => base.monotonic(),
    after: (ms, run) => base.after(ms, run),
    endOfTurn: (run) => base.endOfTurn(run),
  };
}
