/**
 * The writing side of the topic index (decision 0003). A topic's events lie far apart in an index ordered by topic, so that an
 * entry written with each event would dirty a page of the file for nearly every one of them. Instead the index follows the
 * log: when a segment of events has gathered, they are written topic by topic, a little after each commit.
 */
import { encodeRun } from "../runs.ts";
import { getMeta, type LogDatabase, setMeta, withoutSync } from "./database.ts";
import type { Sizes } from "./sizes.ts";

interface Run {
  readonly topicId: number;
  readonly last: number;
  readonly offsets: string;
}

export class TopicIndex {
  readonly #db: LogDatabase;
  readonly #sizes: Sizes;
  /** Invariant: an event above `#indexedTo` is in `#segment` (up to its `upTo`) or in `#pending`, under each of its topics. */
  #indexedTo: number;
  #pending = new Map<number, number[]>();
  #pendingEvents = 0;
  #head: number;
  /** What is being written: runs up to `written` are in the file already. */
  #segment: { readonly upTo: number; readonly topicIds: ReadonlySet<number>; readonly runs: readonly Run[]; written: number } | undefined;

  constructor(db: LogDatabase, head: number, sizes: Sizes) {
    this.#db = db;
    this.#sizes = sizes;
    this.#head = head;
    this.#indexedTo = Number(getMeta(db, "indexedTo") ?? 0);
    for (const { offset, topics } of db.prepared.topicsBetween.all(this.#indexedTo, head)) this.add(offset, topicIdsOf(topics));
  }

  /** After the commit of this event. */
  add(offset: number, topicIds: readonly number[]): void {
    for (const topicId of topicIds) {
      const offsets = this.#pending.get(topicId);
      if (offsets === undefined) this.#pending.set(topicId, [offset]);
      else offsets.push(offset);
    }
    this.#pendingEvents += 1;
    this.#head = offset;
  }

  /** Writes some of what is due; returns whether more is. */
  step(): boolean {
    if (this.#segment === undefined) {
      if (this.#pendingEvents < this.#sizes.segmentEvents) return false;
      this.#begin();
    }
    // When events come faster than small steps can follow, a large one keeps memory bounded.
    return this.#write(this.#pendingEvents < this.#sizes.segmentEvents ? this.#sizes.runsAtOnce : Infinity);
  }

  /** Whether an event of this topic came after this offset. */
  isAfter(topicId: number, offset: number): boolean {
    const newest = this.#pending.get(topicId)?.at(-1);
    if (newest !== undefined && newest > offset) return true;
    const segment = this.#segment;
    if (segment !== undefined && offset < segment.upTo && segment.topicIds.has(topicId)) {
      if (segment.runs.some((run) => run.topicId === topicId && run.last > offset)) return true;
    }
    return offset < this.#indexedTo && this.#db.prepared.readRuns.get(topicId, offset, this.#indexedTo, 1) !== undefined;
  }

  /** Whether an event of this topic is not in the index yet. */
  isPending(topicId: number): boolean {
    return this.#pending.has(topicId) || this.#segment?.topicIds.has(topicId) === true;
  }

  /** Before retention takes the events up to here, and outside its transaction: those of them that are not indexed never need be. */
  skipTo(offset: number): void {
    if (offset <= this.#indexedTo) return;
    if (this.#segment !== undefined) this.#write(Infinity);
    if (offset <= this.#indexedTo) return;
    withoutSync(this.#db, () => {
      setMeta(this.#db, "indexedTo", offset);
    });
    this.#pendingEvents = this.#head - offset;
    this.#indexedTo = offset;
    for (const [topicId, offsets] of this.#pending) {
      const left = offsets.filter((each) => each > offset);
      if (left.length === 0) this.#pending.delete(topicId);
      else if (left.length < offsets.length) this.#pending.set(topicId, left);
    }
  }

  #begin(): void {
    const { runOffsets } = this.#sizes;
    const runs: Run[] = [];
    for (const [topicId, offsets] of [...this.#pending].sort(([a], [b]) => a - b)) {
      for (let start = 0; start < offsets.length; start += runOffsets) {
        const run = offsets.slice(start, start + runOffsets);
        runs.push({ topicId, last: run.at(-1) ?? 0, offsets: encodeRun(run) });
      }
    }
    this.#segment = { upTo: this.#head, topicIds: new Set(this.#pending.keys()), runs, written: 0 };
    this.#pending = new Map();
    this.#pendingEvents = 0;
  }

  #write(count: number): boolean {
    const segment = this.#segment;
    if (segment === undefined) return false;
    const { insertRun } = this.#db.prepared;
    const end = Math.min(segment.runs.length, segment.written + count);
    withoutSync(this.#db, () => {
      for (const { topicId, last, offsets } of segment.runs.slice(segment.written, end)) insertRun.run(topicId, last, offsets);
      if (end === segment.runs.length) setMeta(this.#db, "indexedTo", segment.upTo);
    });
    segment.written = end;
    if (end < segment.runs.length) return true;
    this.#indexedTo = segment.upTo;
    this.#segment = undefined;
    return this.#pendingEvents >= this.#sizes.segmentEvents;
  }
}

/** The ids in an event's `topics` column. */
export function topicIdsOf(topics: string): number[] {
  return topics === "" ? [] : topics.split(",").map(Number);
}
