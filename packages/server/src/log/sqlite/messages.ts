/** What the log's threads say to each other. */
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Checkpoint, CheckpointEntry, LogBounds, LogPage, NewEvent, ReadRequest } from "../log.ts";

export interface WorkerStart {
  readonly role: "writer" | "reader";
  readonly file: string;
  readonly dedupeWindowMs: number;
}

export type WriterRequest =
  | { readonly kind: "append"; readonly now: number; readonly batches: readonly (readonly NewEvent[])[] }
  | { readonly kind: "retain"; readonly olderThan: number; readonly maxBytes: number }
  | { readonly kind: "saveCheckpoint"; readonly checkpoint: Checkpoint; readonly entries: readonly CheckpointEntry[] }
  | { readonly kind: "dropCheckpoint" }
  | { readonly kind: "setEpoch"; readonly epoch: number }
  | { readonly kind: "close" };

export type ReaderRequest =
  | { readonly kind: "read"; readonly request: ReadRequest }
  | { readonly kind: "find"; readonly tenant: string; readonly source: string; readonly id: string }
  | { readonly kind: "loadCheckpoint" }
  | { readonly kind: "close" };

/** Four numbers an event: offset, batch, storedAt, duplicate (0 or 1). */
export interface AppendAnswer {
  readonly places: Float64Array;
  readonly bounds: LogBounds;
  readonly seconds: number;
}

export interface RetainAnswer {
  readonly bounds: LogBounds;
  readonly hasMore: boolean;
}

export interface OpenAnswer {
  readonly bounds: LogBounds;
  /** Undefined in a new database. */
  readonly epoch: number | undefined;
}

export type ReadAnswer = LogPage | { readonly tooOld: number };
export type FindAnswer = StoredEvent | undefined;
export type CheckpointAnswer = { readonly checkpoint: Checkpoint; readonly entries: readonly CheckpointEntry[] } | undefined;
