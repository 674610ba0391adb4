/** Times of the wire over LISTEN and NOTIFY; short ones in tests. */
import type { Backoff } from "../line.ts";

export interface ListenTimes {
  readonly backoff: Backoff;
  /** A connection is had by then. */
  readonly connectMs: number;
  /** From one notification to the next at least: each takes a lock that all notifying transactions of the cluster share. */
  readonly apartMs: number;
  /** Between two questions whether the database is there. */
  readonly beatMs: number;
  /** What is not answered by then never will be. */
  readonly answerMs: number;
}

export const TIMES: ListenTimes = {
  backoff: { firstMs: 100, longestMs: 5000 },
  connectMs: 3000,
  apartMs: 5,
  beatMs: 3000,
  answerMs: 5000,
};
