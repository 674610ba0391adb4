/** The reading side of the log, in its own thread with its own connection: reads never wait for a commit, nor a commit for them. */
import type { StoredEvent } from "@broadtape/protocol/event";
import { eventOf } from "../columns.ts";
import type { Checkpoint, CheckpointEntry, ReadRequest } from "../log.ts";
import { pageOf } from "../page.ts";
import { getMeta, type LogDatabase } from "./database.ts";
import type { ReaderCalls } from "./messages.ts";
import type { Sizes } from "./sizes.ts";
import { topicIdsOf } from "./topic-index.ts";
import { TopicOffsets } from "./topic-offsets.ts";

const SCANNED_AT_ONCE = 1000;

export class Reader {
  readonly #db: LogDatabase;
  readonly #topicOffsets: TopicOffsets;
  readonly #sizes: Sizes;

  constructor(db: LogDatabase, sizes: Sizes) {
    this.#db = db;
    this.#sizes = sizes;
    this.#topicOffsets = new TopicOffsets(db);
  }

  /** A page, or the oldest offset when what was asked for is older. */
  read(request: ReadRequest): ReaderCalls["read"]["answer"] {
    return this.#inOneView(() => {
      const { oldest, head } = this.#bounds();
      if (request.after > 0 && request.after + 1 < oldest) return { oldest };
      const after = Math.max(request.after, oldest - 1);
      const until = Math.min(request.until ?? head, head);
      if (until <= after) return { events: [], upTo: Math.max(request.after, until), complete: true };
      const limit = Math.max(1, request.limit);
      const { found, scannedTo } = this.#find({ ...request, after, limit }, until, head);
      return pageOf(found, limit, scannedTo, until);
    });
  }

  find({ tenant, source, id, below }: ReaderCalls["find"]["request"]): ReaderCalls["find"]["answer"] {
    return this.#inOneView(() => {
      const { findId, readOne, idsBelow } = this.#db.prepared;
      const { scannedEvents } = this.#sizes;
      const known = below === undefined ? findId.get(tenant, source, id) : undefined;
      const event = known === undefined ? undefined : readOne.get(known.offset);
      if (event !== undefined) return { event: eventOf(event), below: undefined };
      // Ids that the server made are not indexed.
      const rows = idsBelow.all(below ?? this.#bounds().head + 1, scannedEvents);
      const match = rows.find((row) => row.id === id && row.source === source && row.tenant === tenant);
      if (match !== undefined) return { event: this.#eventAt(match.offset), below: undefined };
      return { event: undefined, below: rows.length < scannedEvents ? undefined : rows.at(-1)?.offset };
    });
  }

  loadCheckpoint(): { checkpoint: Checkpoint; entries: readonly CheckpointEntry[] } | undefined {
    return this.#inOneView(() => {
      const offset = getMeta(this.#db, "checkpointOffset");
      const version = getMeta(this.#db, "checkpointVersion");
      if (offset === undefined || version === undefined) return undefined;
      return { checkpoint: { offset: Number(offset), version }, entries: this.#db.prepared.readEntries.all() };
    });
  }

  /** Everything in it sees the log as it was at one moment. */
  #inOneView<T>(look: () => T): T {
    return this.#db.raw.transaction(look)();
  }

  #bounds(): { oldest: number; head: number } {
    const { oldestEvent, newestEvent } = this.#db.prepared;
    const head = newestEvent.get()?.offset ?? Number(getMeta(this.#db, "head") ?? 0);
    return { oldest: oldestEvent.get()?.offset ?? head + 1, head };
  }

  /** What the request asks for, in offset order, and how far that goes. */
  #find(request: ReadRequest, until: number, head: number): { found: Iterable<StoredEvent>; scannedTo: number } {
    const { after, limit, tenant, topics } = request;
    if (topics === undefined) {
      if (tenant === undefined) return { found: this.#range(after, until, limit), scannedTo: until };
      const scannedTo = this.#endOfScan(after, until);
      return { found: this.#range(after, scannedTo, limit, tenant), scannedTo };
    }
    const topicIds = this.#topicIds(tenant ?? "", topics);
    if (topicIds.length <= this.#sizes.mergedTopics) {
      return { found: this.#eventsAt(this.#topicOffsets.of(topicIds, after, until, head)), scannedTo: until };
    }
    const scannedTo = this.#endOfScan(after, until);
    return { found: this.#eventsAt(this.#scan(after, scannedTo, new Set(topicIds))), scannedTo };
  }

  #topicIds(tenant: string, names: readonly string[]): number[] {
    return [...new Set(names)].flatMap((name) => this.#db.prepared.findTopic.get(tenant, name)?.topic_id ?? []);
  }

  /** Where a look at every event has to end: not far, and not inside a publish batch. */
  #endOfScan(after: number, until: number): number {
    const end = after + this.#sizes.scannedEvents;
    if (end >= until) return until;
    const next = this.#db.prepared.batchOf.get(end + 1)?.batch ?? end + 1;
    return next > after + 1 ? Math.min(end, next - 1) : end;
  }

  *#range(after: number, until: number, limit: number, tenant?: string): Iterable<StoredEvent> {
    const { readAll, readTenant } = this.#db.prepared;
    const rows = limit + 1;
    for (let from = after; ;) {
      const found = tenant === undefined ? readAll.all(from, until, rows) : readTenant.all(from, until, tenant, rows);
      yield* found.map(eventOf);
      if (found.length < rows) return;
      from = found.at(-1)?.offset ?? until;
    }
  }

  *#scan(after: number, until: number, topicIds: ReadonlySet<number>): Iterable<number> {
    for (let from = after; from < until; from += SCANNED_AT_ONCE) {
      for (const { offset, topics } of this.#db.prepared.topicsBetween.all(from, Math.min(until, from + SCANNED_AT_ONCE))) {
        if (topicIdsOf(topics).some((id) => topicIds.has(id))) yield offset;
      }
    }
  }

  *#eventsAt(offsets: Iterable<number>): Iterable<StoredEvent> {
    for (const offset of offsets) yield this.#eventAt(offset);
  }

  #eventAt(offset: number): StoredEvent {
    const row = this.#db.prepared.readOne.get(offset);
    if (row === undefined) throw new Error(`the event at ${offset} is missing`);
    return eventOf(row);
  }
}
