/** Times of the intake; short ones in tests. */
import type { Backoff } from "../../wire/line.ts";

export interface IntakeTimes {
  readonly backoff: Backoff;
  /** A connection is had by then. */
  readonly connectMs: number;
  /** Between two looks: whether there is something, whether it is this node's turn, how much waits. */
  readonly lookMs: number;
  /** A session that has asked nothing for so long has ended for the database: another node's turn. */
  readonly silentMs: number;
  /** Between two looks while batches come often. */
  readonly restMs: number;
  /** Batches come often where the last one is no longer ago. */
  readonly oftenMs: number;
  /** At close, what is on its way is waited for so long. */
  readonly closeMs: number;
}

export const TIMES: IntakeTimes = {
  backoff: { firstMs: 100, longestMs: 5000 },
  connectMs: 3000,
  lookMs: 1000,
  silentMs: 5000,
  restMs: 15,
  oftenMs: 200,
  closeMs: 2000,
};
