/** Sizes and times of the log's work in PostgreSQL: measured choices, and small numbers in tests, so that a few events reach every corner. */
export interface Sizes {
  /** Offsets of a segment, the unit in which the disk is given back: some hundred megabytes. */
  readonly segmentEvents: number;
  /** So many topics are looked up one by one; beyond it, a page looks at all of them in a window of offsets. */
  readonly singleTopics: number;
  /** Offsets that one page looks at when what it wants may be rare: some 20 ms. */
  readonly scannedEvents: number;
  /** Ids that one step of retention frees. */
  readonly freedIds: number;
  /** Connections for reads. One more commits, two keep checkpoints and retention. */
  readonly readers: number;
  /** A node that stops in the middle of a commit loses the lock after so long. */
  readonly lockHeldMs: number;
}

/**
 * Every statement locks every segment it might read, so that a log has no more than about so many of them, of events of about
 * this size.
 */
const SEGMENTS = 64;
const EVENT_BYTES = 512;

/** Larger segments for a larger log. A log may have some of several sizes. */
export function sizesFor(maxBytes: number): Sizes {
  const segmentEvents = Number.isFinite(maxBytes) ? Math.ceil(maxBytes / SEGMENTS / EVENT_BYTES) : 0;
  return { ...SIZES, segmentEvents: Math.max(SIZES.segmentEvents, segmentEvents) };
}

export const SIZES: Sizes = {
  segmentEvents: 500_000,
  singleTopics: 64,
  scannedEvents: 20_000,
  freedIds: 5000,
  readers: 8,
  lockHeldMs: 5000,
};
