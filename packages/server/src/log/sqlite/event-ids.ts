/** Deduplication: which event came first with an id. */
import type { Appended, NewEvent } from "../log.ts";
import type { LogDatabase } from "./database.ts";

export class EventIds {
  readonly #db: LogDatabase;
  readonly #windowMs: number;

  constructor(db: LogDatabase, windowMs: number) {
    this.#db = db;
    this.#windowMs = windowMs;
  }

  /**
   * The place of the first event with this id, if that was within the window before `storedAt`. Otherwise the id is taken
   * for the event that the caller stores at `offset` in the same transaction.
   */
  firstOf({ tenant, source, id }: NewEvent, offset: number, batch: number, storedAt: number): Appended | undefined {
    const { insertId, findId, updateId } = this.#db.prepared;
    if (insertId.run(tenant, source, id, offset, batch, storedAt).changes > 0) return undefined;
    const first = findId.get(tenant, source, id);
    if (first === undefined) throw new Error(`the id ${id} of ${source} is neither free nor taken`);
    if (storedAt - first.stored_at <= this.#windowMs) {
      return { offset: first.offset, batch: first.batch, storedAt: first.stored_at, duplicate: true };
    }
    updateId.run(offset, batch, storedAt, tenant, source, id);
    return undefined;
  }

  /** Whether an event with this id came within the window before `storedAt`. */
  isKnown({ tenant, source, id }: NewEvent, storedAt: number): boolean {
    const first = this.#db.prepared.findId.get(tenant, source, id);
    return first !== undefined && storedAt - first.stored_at <= this.#windowMs;
  }

  /** Called for an event that retention takes: its id is kept until the window has passed. */
  retire(event: { offset: number; tenant: string; source: string; id: string; stored_at: number }, olderThan: number): void {
    const { findId, insertRetiredId, deleteId } = this.#db.prepared;
    const { offset, tenant, source, id } = event;
    if (event.stored_at < olderThan) deleteId.run(tenant, source, id, offset);
    else if (findId.get(tenant, source, id)?.offset === offset) insertRetiredId.run(offset, tenant, source, id, event.stored_at);
  }

  /** Frees up to `limit` ids of retired events whose window has passed by now. Returns how many. */
  free(olderThan: number, limit: number): number {
    const { readRetiredIds, deleteId, deleteRetiredIds } = this.#db.prepared;
    const due = readRetiredIds.all(limit).filter((row) => row.stored_at < olderThan);
    for (const { tenant, source, id, offset } of due) deleteId.run(tenant, source, id, offset);
    const last = due.at(-1);
    if (last !== undefined) deleteRetiredIds.run(last.offset);
    return due.length;
  }
}
