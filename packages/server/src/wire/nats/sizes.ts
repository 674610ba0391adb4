/** Sizes and times of the wire over NATS; small numbers in tests. */
import type { Backoff } from "../line.ts";

export interface NatsSizes {
  readonly backoff: Backoff;
  /** A server that says nothing to an attempt by then is away. */
  readonly connectMs: number;
  /** Between two questions whether the server is there; it is taken for gone when the third is due. */
  readonly pingMs: number;
  /** Bytes that are sent at most without the server having confirmed any of them: a server that stops reading costs no more memory. */
  readonly unconfirmedBytes: number;
  /** Bytes that wait at most to be heard: what comes in faster is read from the log. */
  readonly inboxBytes: number;
  /** Bytes that are heard in one turn of the event loop. */
  readonly turnBytes: number;
}

const MB = 1024 * 1024;

export const SIZES: NatsSizes = {
  backoff: { firstMs: 100, longestMs: 5000 },
  connectMs: 3000,
  pingMs: 3000,
  unconfirmedBytes: 16 * MB,
  inboxBytes: 32 * MB,
  turnBytes: MB / 2,
};
