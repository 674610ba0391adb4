/** The reading side of the topic index (decision 0003): runs in the file up to `indexedTo`, and above it what this thread has read of the events themselves. */
import { decodeRun } from "../runs.ts";
import { getMeta, type LogDatabase } from "./database.ts";
import { topicIdsOf } from "./topic-index.ts";

/** Runs read at once: most topics have few events in each. */
const RUNS = 32;

export class TopicOffsets {
  readonly #db: LogDatabase;
  #indexedTo = 0;
  #readTo = 0;
  /** By topic, ascending: the events in (`#indexedTo`, `#readTo`]. */
  readonly #tail = new Map<number, number[]>();

  constructor(db: LogDatabase) {
    this.#db = db;
  }

  /** The offsets in (after, until] of events under any of these topics, ascending, each once. Inside the transaction of one page. */
  *of(topicIds: readonly number[], after: number, until: number, head: number): Iterable<number> {
    this.#follow(head);
    const cursors = topicIds.map((topicId) => new Cursor(this.#offsetsOf(topicId, after)));
    for (;;) {
      const next = Math.min(...cursors.map(({ offset }) => offset));
      if (next > until) return;
      yield next;
      for (const cursor of cursors) if (cursor.offset === next) cursor.advance();
    }
  }

  *#offsetsOf(topicId: number, after: number): Iterator<number, undefined> {
    for (let from = after; from < this.#indexedTo;) {
      const runs = this.#db.prepared.readRuns.all(topicId, from, this.#indexedTo, RUNS);
      for (const run of runs) {
        for (const offset of decodeRun(run.offsets)) {
          if (offset > from) yield offset;
          if (offset > from) from = offset;
        }
      }
      if (runs.length < RUNS) break;
    }
    for (const offset of this.#tail.get(topicId) ?? []) if (offset > after) yield offset;
    return undefined;
  }

  /** Brings the tail to the state of the file as this transaction sees it. */
  #follow(head: number): void {
    const indexedTo = Number(getMeta(this.#db, "indexedTo") ?? 0);
    if (indexedTo > this.#indexedTo) {
      for (const [topicId, offsets] of this.#tail) {
        const left = offsets.filter((offset) => offset > indexedTo);
        if (left.length === 0) this.#tail.delete(topicId);
        else this.#tail.set(topicId, left);
      }
      this.#indexedTo = indexedTo;
    }
    this.#readTo = Math.max(this.#readTo, indexedTo);
    if (head === this.#readTo) return;
    for (const { offset, topics } of this.#db.prepared.topicsBetween.all(this.#readTo, head)) {
      for (const topicId of topicIdsOf(topics)) {
        const offsets = this.#tail.get(topicId);
        if (offsets === undefined) this.#tail.set(topicId, [offset]);
        else offsets.push(offset);
      }
    }
    this.#readTo = head;
  }
}

/** Where the merge stands in one topic; past the end at Infinity. */
class Cursor {
  offset = 0;
  readonly #offsets: Iterator<number, undefined>;

  constructor(offsets: Iterator<number, undefined>) {
    this.#offsets = offsets;
    this.advance();
  }

  advance(): void {
    this.offset = this.#offsets.next().value ?? Infinity;
  }
}
