import { NOBODY, type Witness } from "./witness.ts";

/** What the engine counts. Plain numbers on the hot path; `operations/metrics.ts` reads them at a scrape. */
export interface Meter {
  published: number;
  duplicates: number;
  refused: number;
  /** Messages handed to connections. */
  delivered: number;
  /** Parcels, that is writes. */
  writes: number;
  /** About how many bytes those writes were, before compression. */
  bytes: number;
  /** Values that a newer one replaced before they were sent. */
  conflated: number;
  /** Times a lossless lane fell back on the log. */
  paused: number;
  /** Events sent out of the ring or the log instead of live. */
  replayed: number;
  resynced: number;
  /** Events sent again because their ack did not come. */
  redelivered: number;
  /** Events that waited for an ack until the log forgot them. */
  pendingLost: number;
  /** Rows of subscriptions and of what is pending in them that were written down. */
  keptRows: number;
  /** Connections ended by the server, by code. */
  readonly dropped: Map<string, number>;
  /** Seconds from a publisher's request to the write to its receivers, once per message and turn. */
  publishToWrite: (seconds: number) => void;
  /** Seconds from the log's stamp to the write here, whichever node stored it, once per message and turn. */
  storedToWrite: (seconds: number) => void;
  readonly witness: Witness;
}

const unheard = () => undefined;

export function newMeter(
  publishToWrite: Meter["publishToWrite"] = unheard,
  witness: Witness = NOBODY,
  storedToWrite: Meter["storedToWrite"] = unheard,
): Meter {
  return {
    published: 0,
    duplicates: 0,
    refused: 0,
    delivered: 0,
    writes: 0,
    bytes: 0,
    conflated: 0,
    paused: 0,
    replayed: 0,
    resynced: 0,
    redelivered: 0,
    pendingLost: 0,
    keptRows: 0,
    dropped: new Map(),
    publishToWrite,
    storedToWrite,
    witness,
  };
}
