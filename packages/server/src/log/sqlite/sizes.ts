/** Sizes of the embedded log's work: measured choices, and small numbers in tests, so that a few events reach every corner. */
export interface Sizes {
  /** Events whose topics are indexed together. As many lie in memory, in the writer and in the reader, and are read again at a start. */
  readonly segmentEvents: number;
  /** A run is read whole: a page of a busy topic must not cost thousands of offsets. */
  readonly runOffsets: number;
  /** Runs written in one go, so that the next commit waits a millisecond or two. */
  readonly runsAtOnce: number;
  /** So many topics have their places in the index merged; beyond it, one look at every event is cheaper. */
  readonly mergedTopics: number;
  /** Events that one page looks at when it has to look at each: some 20 ms, then other readers have their turn. */
  readonly scannedEvents: number;
  /** Events that one step of retention takes, so that the next commit waits a few milliseconds. */
  readonly retainedEvents: number;
}

export const SIZES: Sizes = {
  segmentEvents: 16_384,
  runOffsets: 512,
  runsAtOnce: 256,
  mergedTopics: 64,
  scannedEvents: 20_000,
  retainedEvents: 1000,
};
