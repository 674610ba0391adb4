/** What the log and its threads say to each other: requests by name, each with its answer. */
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Epoch, Offset } from "@broadtape/protocol/event-id";
import type { Checkpoint, CheckpointEntry, LogBounds, LogPage, ReadRequest } from "../log.ts";
import type { StatementName } from "../sql.ts";
import type { PackedBatches } from "./packing.ts";
import type { Sizes } from "./sizes.ts";

/** Texts of SQL: the tables in the order of their creation, and every statement. */
export interface CompiledSql {
  readonly schema: readonly string[];
  readonly statements: Readonly<Record<StatementName, string>>;
}

export interface WorkerStart {
  readonly role: "writer" | "reader";
  readonly file: string;
  readonly dedupeWindowMs: number;
  readonly sizes: Sizes;
  readonly sql: CompiledSql;
}

/** Which life of the log the database is of (life.ts). */
export interface LifeMark {
  readonly epoch: Epoch;
  /** Made anew at every opening. */
  readonly opening: string;
}

/** Stored events of a commit, and four numbers for each event given: offset, batch, storedAt, duplicate (0 or 1); zeros where it is not stored. */
export interface AppendAnswer {
  readonly places: Float64Array;
  /** By batch: which of its events are repetitions, where its guard did not hold. Undefined where all did. */
  readonly overtaken: ReadonlyMap<number, ReadonlySet<number>> | undefined;
  readonly stored: number;
  readonly bounds: LogBounds;
  readonly seconds: number;
}

/** What retention may take now. */
export interface Due {
  /** Events stored before this time are too old. */
  readonly olderThan: number;
  readonly maxBytes: number;
  /** Ids of events stored before this time may be used again. */
  readonly idsOlderThan: number;
}

export interface WriterCalls {
  opened: { request: undefined; answer: { readonly bounds: LogBounds; readonly mark: LifeMark | undefined } };
  mark: { request: LifeMark; answer: undefined };
  append: { request: { readonly now: number; readonly batches: PackedBatches }; answer: AppendAnswer };
  retain: { request: Due; answer: { readonly bounds: LogBounds; readonly hasMore: boolean } };
  saveCheckpoint: { request: { readonly checkpoint: Checkpoint; readonly entries: readonly CheckpointEntry[] }; answer: undefined };
  dropCheckpoint: { request: undefined; answer: undefined };
  close: { request: undefined; answer: undefined };
}

export interface ReaderCalls {
  opened: { request: undefined; answer: undefined };
  read: { request: ReadRequest; answer: LogPage | { readonly oldest: Offset } };
  /** Looks below `below` only, where it is given; answers with the place to go on looking, as one look is bounded. */
  find: {
    request: { readonly tenant: string; readonly source: string; readonly id: string; readonly below: Offset | undefined };
    answer: { readonly event: StoredEvent | undefined; readonly below: Offset | undefined };
  };
  loadCheckpoint: {
    request: undefined;
    answer: { readonly checkpoint: Checkpoint; readonly entries: readonly CheckpointEntry[] } | undefined;
  };
  close: { request: undefined; answer: undefined };
}

/** The names of requests with what each asks and is answered. */
export type Calls<C> = { readonly [Name in keyof C]: { readonly request: unknown; readonly answer: unknown } };

export type Handlers<C extends Calls<C>> = { readonly [Name in keyof C]: (request: C[Name]["request"]) => C[Name]["answer"] };

export interface Request {
  readonly id: number;
  readonly name: PropertyKey;
  readonly request: unknown;
}

/** `fault`: something went wrong that nobody had asked for. */
export type Reply =
  { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly error: string } | { readonly fault: string };
