/** The reading side of the log, in its own thread with its own connection: reads never wait for a commit. */
import type { StoredEvent } from "@broadtape/protocol/event";
import type { LogPage, ReadRequest } from "../log.ts";
import type { LogDatabase, Row } from "./database.ts";
import type { CheckpointAnswer, FindAnswer, ReadAnswer } from "./messages.ts";

/** Up to so many topics each have their index range read; beyond it one scan with a filter is cheaper. */
const RANGES = 64;
/** A filtered scan looks at so many rows a page at most. */
const SCAN_ROWS = 20_000;

export class Reader {
  readonly #db: LogDatabase;

  constructor(db: LogDatabase) {
    this.#db = db;
  }

  read(request: ReadRequest): ReadAnswer {
    return this.#db.raw.transaction((): ReadAnswer => {
      const { oldest, head } = this.#bounds();
      if (request.after + 1 < oldest && request.after < head) return { tooOld: oldest };
      const until = Math.min(request.until ?? head, head);
      if (until <= request.after) return { events: [], upTo: request.after, complete: true };
      const topicIds = request.topics === undefined ? undefined : this.#topicIds(request.tenant ?? "", request.topics);
      if (topicIds === undefined) return this.#readAll(request, until);
      if (topicIds.length === 0) return { events: [], upTo: until, complete: true };
      return topicIds.length <= RANGES ? this.#readRanges(request, until, topicIds) : this.#scan(request, until, new Set(topicIds));
    })();
  }

  find(tenant: string, source: string, id: string): FindAnswer {
    const row = this.#db.prepared.findEventId.get(tenant, source, id);
    const event = row === undefined ? undefined : this.#db.prepared.readOne.get(row["offset"]);
    return event === undefined ? undefined : eventOf(event);
  }

  loadCheckpoint(): CheckpointAnswer {
    return this.#db.raw.transaction((): CheckpointAnswer => {
      const offset = this.#db.prepared.getMeta.get("checkpointOffset")?.["value"];
      const version = this.#db.prepared.getMeta.get("checkpointVersion")?.["value"];
      if (offset === undefined || version === undefined) return undefined;
      const entries = this.#db.prepared.readCheckpointEntries
        .all()
        .map((row) => ({
          view: String(row["view"]),
          tenant: String(row["tenant"]),
          entity: String(row["entity"]),
          state: String(row["state"]),
        }));
      return { checkpoint: { offset: Number(offset), version: String(version) }, entries };
    })();
  }

  #bounds(): { oldest: number; head: number } {
    const row = this.#db.prepared.bounds.get();
    const head = Number(row?.["head"] ?? this.#db.prepared.getMeta.get("head")?.["value"] ?? 0);
    return { oldest: Number(row?.["oldest"] ?? head + 1), head };
  }

  #topicIds(tenant: string, names: readonly string[]): number[] {
    return [...new Set(names)].flatMap((name) => {
      const row = this.#db.prepared.findTopic.get(tenant, name);
      return row === undefined ? [] : [Number(row["topic_id"])];
    });
  }

  #readAll({ after, limit, tenant }: ReadRequest, until: number): LogPage {
    const { readAll, readTenant } = this.#db.prepared;
    // One row more than asked for shows whether the page ends inside a batch.
    const rows = (tenant === undefined ? readAll.all(after, until, limit + 1) : readTenant.all(after, until, tenant, limit + 1)).map(
      eventOf,
    );
    return wholeBatches(rows, limit, until, (from) => {
      const more = tenant === undefined ? readAll.all(from, until, limit) : readTenant.all(from, until, tenant, limit);
      return more.map(eventOf);
    });
  }

  #readRanges({ after, limit }: ReadRequest, until: number, topicIds: readonly number[]): LogPage {
    const offsetsAfter = (from: number, count: number) => {
      const all = topicIds.flatMap((id) =>
        this.#db.prepared.readTopicOffsets.all(id, from, until, count).map((row) => Number(row["offset"])),
      );
      return [...new Set(all)].sort((a, b) => a - b).slice(0, count);
    };
    const load = (offsets: readonly number[]) => offsets.flatMap((offset) => this.#db.prepared.readOne.all(offset).map(eventOf));
    return wholeBatches(load(offsetsAfter(after, limit + 1)), limit, until, (from) => load(offsetsAfter(from, limit)));
  }

  #scan({ after, limit }: ReadRequest, until: number, topicIds: ReadonlySet<number>): LogPage {
    const events: StoredEvent[] = [];
    let seen = 0;
    let upTo = after;
    for (const row of this.#db.prepared.readAll.iterate(after, until, until - after)) {
      const event = eventOf(row);
      const startsBatch = event.batch === event.offset;
      if (startsBatch && seen > 0 && (events.length >= limit || seen >= SCAN_ROWS)) return { events, upTo, complete: false };
      if (
        String(row["topics"])
          .split(",")
          .some((id) => topicIds.has(Number(id)))
      )
        events.push(event);
      upTo = event.offset;
      seen += 1;
    }
    return { events, upTo: until, complete: true };
  }
}

/** Cuts a page of at most `limit` events at the end of a publish batch; a batch longer than that comes whole. */
function wholeBatches(rows: StoredEvent[], limit: number, until: number, more: (after: number) => StoredEvent[]): LogPage {
  const beyond = rows[limit];
  if (beyond === undefined) return { events: rows, upTo: until, complete: true };
  let end = limit;
  while (end > 0 && rows[end - 1]?.batch === beyond.batch) end -= 1;
  if (end > 0) {
    const events = rows.slice(0, end);
    return { events, upTo: Math.max(events.at(-1)?.offset ?? 0, beyond.batch - 1), complete: false };
  }
  const events = rows;
  for (;;) {
    const next = more(events.at(-1)?.offset ?? 0);
    const stop = next.findIndex((event) => event.batch !== beyond.batch);
    events.push(...(stop < 0 ? next : next.slice(0, stop)));
    if (stop >= 0) return { events, upTo: events.at(-1)?.offset ?? 0, complete: false };
    if (next.length === 0) return { events, upTo: until, complete: true };
  }
}

function eventOf(row: Row): StoredEvent {
  return {
    offset: Number(row["offset"]),
    batch: Number(row["batch"]),
    storedAt: Number(row["stored_at"]),
    tenant: String(row["tenant"]),
    type: String(row["type"]),
    source: String(row["source"]),
    id: String(row["id"]),
    time: String(row["time"]),
    subject: row["subject"] === null ? undefined : String(row["subject"]),
    correlationId: String(row["correlation_id"]),
    data: String(row["data"]),
  };
}
