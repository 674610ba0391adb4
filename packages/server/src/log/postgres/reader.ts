/**
 * The reading side, on connections of its own: reads never wait for a commit, nor a commit for them. A page is one statement and
 * sees the log as it is at one moment: its bounds, and all events up to its head.
 */
import type { Pool } from "pg";
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Offset } from "@broadtape/protocol/event-id";
import { type EventRow, eventOf } from "../columns.ts";
import type { LogPage, ReadRequest } from "../log.ts";
import { pageOf } from "../page.ts";
import { escapeText } from "../../postgres/text.ts";
import { digestOf } from "./digest.ts";
import { FIND_KNOWN, FIND_SCANNED, type PageQuery, READ_ALL, READ_TENANT, READ_TOPICS, SCAN_TOPICS } from "./pages.ts";
import type { Sizes } from "./sizes.ts";

/** A row of a page; without an event where there is none. */
type PageRow = Partial<EventRow> & {
  readonly oldest: number;
  readonly head: number;
  readonly segments_to: number | null;
  readonly next_batch: number | null;
};

/** The event, or where to go on looking. */
type ScanRow = Partial<EventRow> & { readonly next: number; readonly oldest: number };

/** Events that one look of `find` reads. */
const FIND_SCAN = 100_000;
/** A publish batch that is longer than a page is read again, with so many times the rows. */
const LONGER = 8;

export class Reader {
  readonly #pool: Pool;
  readonly #sizes: Sizes;
  /**
   * Offsets up to here have segments that every statement sees which begins from now on. A statement is planned before its snapshot is
   * taken: what was attached and filled in between is in the snapshot, with the head that tells of it, and not in the plan.
   */
  #segmentsTo = 0;

  constructor(pool: Pool, sizes: Sizes) {
    this.#pool = pool;
    this.#sizes = sizes;
  }

  /** A page, or the oldest offset when what was asked for is older. */
  async read(request: ReadRequest): Promise<LogPage | { readonly oldest: Offset }> {
    const limit = Math.max(1, request.limit);
    const { query, values, isWindow } = this.#queryOf(request);
    for (let rows = limit + 1; ;) {
      const planned = this.#segmentsTo;
      const found = (await this.#pool.query<PageRow>({ ...query, values: [request.after, request.until ?? null, rows, ...values] })).rows;
      const [first] = found;
      if (first === undefined) throw new Error("the log has no head");
      const { oldest, head, next_batch: nextBatch } = first;
      if (head > planned) {
        this.#segmentsTo = Math.max(this.#segmentsTo, first.segments_to ?? head);
        continue;
      }
      if (request.after > 0 && request.after + 1 < oldest) return { oldest };
      const after = Math.max(request.after, oldest - 1);
      const until = Math.min(request.until ?? head, head);
      if (until <= after) return { events: [], upTo: Math.max(request.after, until), complete: true };
      const events = found.flatMap((row) => (isEvent(row) ? [eventOf(row)] : []));
      const isLongBatch = events.length === rows && events.at(-1)?.batch === events[0]?.batch;
      if (isLongBatch) {
        rows *= LONGER;
        continue;
      }
      const scannedTo = isWindow ? this.#endOfWindow(after, until, nextBatch) : until;
      return pageOf(
        events.filter(({ offset }) => offset <= scannedTo),
        limit,
        scannedTo,
        until,
      );
    }
  }

  async find(tenant: string, source: string, id: string): Promise<StoredEvent | undefined> {
    const known = (await this.#pool.query<EventRow>({ ...FIND_KNOWN, values: [digestOf(tenant, source, id)] })).rows[0];
    if (known !== undefined) return eventOf(known);
    // Ids that the server made are not indexed.
    const names = [tenant, source, id].map(escapeText);
    for (let below: number | undefined; ;) {
      const look = await this.#scan(names, below);
      if (look === undefined) return undefined;
      if (isEvent(look)) return eventOf(look);
      if (look.next < look.oldest) return undefined;
      below = look.next;
    }
  }

  async #scan(names: readonly string[], below: number | undefined): Promise<ScanRow | undefined> {
    return (await this.#pool.query<ScanRow>({ ...FIND_SCANNED, values: [...names, below ?? null, FIND_SCAN] })).rows[0];
  }

  #queryOf({ tenant, topics }: ReadRequest): { query: PageQuery; values: unknown[]; isWindow: boolean } {
    const window = this.#sizes.scannedEvents;
    if (topics === undefined) {
      if (tenant === undefined) return { query: READ_ALL, values: [], isWindow: false };
      return { query: READ_TENANT, values: [window, escapeText(tenant)], isWindow: true };
    }
    const digests = [...new Set(topics)].map((name) => digestOf(tenant ?? "", name));
    if (digests.length <= this.#sizes.singleTopics) return { query: READ_TOPICS, values: [digests], isWindow: false };
    return { query: SCAN_TOPICS, values: [window, digests], isWindow: true };
  }

  /** Where a look at a window of offsets has to end: not inside a publish batch. */
  #endOfWindow(after: Offset, until: Offset, nextBatch: number | null): Offset {
    const end = after + this.#sizes.scannedEvents;
    if (end >= until) return until;
    const next = nextBatch ?? end + 1;
    return next > after + 1 ? Math.min(end, next - 1) : end;
  }
}

function isEvent<Row extends Partial<EventRow>>(row: Row): row is Row & EventRow {
  return typeof row.offset === "number";
}
