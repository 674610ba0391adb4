/**
 * The wire port: how a node learns early of what another node has stored (design.md "Where it runs"). The log keeps, the wire
 * only carries: whatever it loses is in the log, where each node looks once a second anyway. Every adapter passes
 * `contract-tests.ts`.
 *
 * What is announced arrives at most once as a rule; it may be lost, come twice, come late, and come out of order where several nodes
 * announce. What one node announces over one connection is heard in its order. So a reader goes by offsets: it takes what joins its
 * place, leaves what is behind it, and reads the log for what is ahead. After every loss that the wire notices, of a connection or of
 * messages, the nodes concerned are woken: a node whose connection is up again has been told to read everything.
 */
import { hash } from "node:crypto";
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Epoch } from "@broadtape/protocol/event-id";

/** `none`: there is no wire, and nobody to hear of. `connecting`: it is away; nodes hear of each other by looking into the log. */
export type WireStatus = "none" | "connecting" | "connected" | "closed";

export interface Wire {
  readonly status: WireStatus;
  readonly meter: WireMeter;

  /**
   * Tells the other nodes of what has just become durable: whole publish batches, without a gap, in the order of their offsets.
   * Returns at once, never throws, and holds nothing back for later: what cannot be sent now is made up for by a wake.
   */
  announce(batch: readonly StoredEvent[]): void;

  /**
   * Hears what other nodes announce, in whole publish batches without a gap; never this node's own. A wire may carry none and only wake.
   * Never called before `announce`, `onBatch` or `close` has returned. Returns how to stop hearing.
   */
  onBatch(hear: (batch: readonly StoredEvent[]) => void): () => void;

  /**
   * Hears that something may have been stored that no batch tells of: the log has to be asked. Also each time the wire is
   * connected, the first time among them. Returns how to stop hearing.
   */
  onWake(hear: () => void): () => void;

  /** Hears and tells nothing any more. Does not wait for a server that does not answer. */
  close(): Promise<void>;
}

/** What a wire counts. Plain numbers; `operations/metrics.ts` reads them at a scrape. */
export interface WireMeter {
  /** Messages with which this node told others of commits. */
  announced: number;
  /** Announcements that could not be sent; the others are woken when it is possible again. */
  unsent: number;
  /** Messages with batches of other nodes that were handed on. */
  heard: number;
  /** Messages that were this node's own, or of another life of the log. */
  ignored: number;
  /** Messages that were no announcement at all. */
  malformed: number;
  /** Messages that were thrown away because this node did not keep up; a wake was told instead. */
  dropped: number;
  /** Times this node was told to read the log. */
  wakes: number;
  /** Times the connection was up again after it had been lost. */
  reconnects: number;
}

/** What every wire is told when it is opened. */
export interface WireOptions {
  /** Of this process alone, for as long as it runs: nobody hears himself. */
  readonly node: string;
  /** Names the log among all that may ever share the wire, the same on every node of it: cluster, database and tables. */
  readonly log: string;
  /** The log's life: what is announced of another one is not heard. */
  readonly epoch: Epoch;
  /** What has offsets of its own within the log. */
  readonly partition?: string | undefined;
  /** Called when the status changes, with what went wrong where it was lost. An outage is told of once, however often it is tried again. */
  readonly onStatus?: ((status: WireStatus, error: Error | undefined) => void) | undefined;
  /** From 0 to 1, for the waits between attempts. */
  readonly random?: (() => number) | undefined;
}

const DEFAULT_PARTITION = "main";

/** Log and partition as subjects and channels can spell them, whatever their names: 128 bits in hexadecimal digits. */
export function digestOf({ log, partition = DEFAULT_PARTITION }: WireOptions): string {
  return hash("sha256", JSON.stringify([log, partition]), "hex").slice(0, 32);
}

export function newWireMeter(): WireMeter {
  return { announced: 0, unsent: 0, heard: 0, ignored: 0, malformed: 0, dropped: 0, wakes: 0, reconnects: 0 };
}
