/** Times of a member of the cluster, in milliseconds; short ones in tests. */
export interface ClusterTimes {
  /** A node that was not seen for so long is gone, by the database's clock. */
  readonly leaseMs: number;
  /** From one renewal of the lease to the next; so often notes are looked for that nobody woke this node for. */
  readonly renewMs: number;
  /** What the database does not answer by then, it does not answer. */
  readonly answerMs: number;
  /** As `answerMs`, of what has to be durable: a synchronous standby may be waited for. */
  readonly durableMs: number;
  /** A node that sleeps for longer does not hear what was told meanwhile. */
  readonly notesKeptMs: number;
  /** From one look for what nodes that are gone have left behind to the next. */
  readonly sweepMs: number;
}

export const TIMES: ClusterTimes = {
  leaseMs: 5000,
  renewMs: 1000,
  answerMs: 2000,
  durableMs: 5000,
  notesKeptMs: 600_000,
  sweepMs: 30_000,
};
