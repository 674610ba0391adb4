/**
 * The intake port: batches that services staged inside their own database transactions, on their way into the log (contract 00-common
 * "Publishing"). With its commit a batch is accepted: it is not lost, and moves in its turn. Whether its events may be is found out when
 * it is moved, as with every other batch; what is refused is kept with the reasons, and holds up nobody.
 */
import type { HttpErrorBody } from "@broadtape/protocol/errors";

/** What a service staged with one call. */
export interface StagedBatch {
  /** Rises with every batch; of two transactions of which one ended before the other began, the later one's are higher. */
  readonly seq: number;
  /** Of this batch alone, for ever: the default of its events' ids and correlation ids is made of it. */
  readonly key: string;
  readonly tenant: string;
  /** Default of its events' `source`. */
  readonly source: string;
  /** The database's role that staged it. */
  readonly role: string;
  /** RFC 3339; default of its events' `time`. */
  readonly stagedAt: string;
  /** A JSON array as it was written. */
  readonly events: string;
}

/** A batch that is not in the log and never will be, with what its publisher would have been answered over HTTP. */
export interface RefusedBatch extends StagedBatch {
  readonly refusedAt: string;
  readonly refusal: HttpErrorBody;
}

/** Where batches wait. One node at a time has it. */
export interface Staging {
  /** The batches whose turn it is, in order: at least one where there are any, and no more events and bytes than that where they are several. */
  next(most: BatchLimits): Promise<readonly StagedBatch[]>;
  /** They are in the log. */
  moved(batches: readonly StagedBatch[]): Promise<void>;
  refuse(batch: StagedBatch, refusal: HttpErrorBody): Promise<void>;
}

export interface BatchLimits {
  readonly batchEvents: number;
  readonly batchBytes: number;
}

/** Plain numbers; `operations/metrics.ts` reads them at a scrape. */
export interface IntakeMeter {
  /** Batches that wait, as far as they are counted ({@link MOST_COUNTED}). Every node knows. */
  waiting: number;
  /** For how long the oldest of them has waited. */
  waitingSeconds: number;
  /** Batches that this node moved into the log. */
  moved: number;
  /** Batches that this node refused. */
  refused: number;
  /** Refused batches that this node threw out for newer ones of their tenant. */
  refusedDropped: number;
  /** Whether it is this node that moves. */
  isMover: boolean;
}

export const MOST_COUNTED = 10_000;

export interface RefusedQuery {
  /** Without it, of all. */
  readonly tenant?: string | undefined;
  /** Only those staged before this one: the way to the next page. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface Intake {
  readonly meter: Readonly<IntakeMeter>;
  /** What was refused on any node, newest first. */
  refused(query: RefusedQuery): Promise<readonly RefusedBatch[]>;
  /** Moves nothing more; what is on its way is waited for, within reason. */
  close(): Promise<void>;
}

export function newIntakeMeter(): IntakeMeter {
  return { waiting: 0, waitingSeconds: 0, moved: 0, refused: 0, refusedDropped: 0, isMover: false };
}
