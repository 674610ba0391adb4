/** What the contract tests of the log stand on. */
import { afterEach, beforeEach } from "vitest";
import type { Log, LogOptions, LogPage, NewEvent, ReadRequest } from "./log.ts";

/** Every adapter can be asked to do its retention now. */
export type TestedLog = Log & { retain(): Promise<void> };

/** Where one log is kept: a directory, a database, an array. */
export interface LogPlace {
  open(options: LogOptions): Promise<TestedLog>;
  remove(): Promise<void>;
}

export const START = 1_800_000_000_000;
export const HOUR = 3_600_000;

/** A log on a clock that stands until it is set. */
export class Bench {
  now = START;
  log!: TestedLog;
  place!: LogPlace;
  readonly commits: number[] = [];
  readonly faults: Error[] = [];

  options(others: Partial<LogOptions> = {}): LogOptions {
    return {
      retention: { maxAgeMs: Infinity, maxBytes: Infinity },
      dedupeWindowMs: HOUR,
      now: () => this.now,
      maxWaitingEvents: 10_000,
      onCommit: ({ events }) => this.commits.push(events),
      onFault: (error) => this.faults.push(error),
      ...others,
    };
  }

  async open(others: Partial<LogOptions> = {}): Promise<TestedLog> {
    this.log = await this.place.open(this.options(others));
    return this.log;
  }

  /** Closes the log and opens it again over what it kept. */
  async reopen(others: Partial<LogOptions> = {}): Promise<TestedLog> {
    await this.log.close();
    return this.open(others);
  }
}

/** A log of its own for each test. */
export function useBench(newPlace: () => Promise<LogPlace>): () => Bench {
  let bench: Bench;
  beforeEach(async () => {
    bench = new Bench();
    bench.place = await newPlace();
    await bench.open();
  });
  afterEach(async () => {
    await bench.log.close();
    await bench.place.remove();
  });
  return () => bench;
}

let ids = 0;

/** An event that is like no other but in what is given. */
export function newEvent(fields: Partial<NewEvent> = {}): NewEvent {
  const id = `id-${++ids}`;
  return {
    tenant: "acme",
    type: "rfq.created",
    source: "desk",
    id,
    time: "2026-11-20T12:00:00.000Z",
    subject: undefined,
    correlationId: `c-${id}`,
    data: `{"id":"${id}"}`,
    topics: [],
    deduplicate: true,
    ...fields,
  };
}

export function newEvents(count: number, fields: Partial<NewEvent> = {}): NewEvent[] {
  return Array.from({ length: count }, () => newEvent(fields));
}

/** Every page of a request, up to the one that is complete. */
export async function pagesOf(log: Log, request: ReadRequest): Promise<LogPage[]> {
  const pages: LogPage[] = [];
  for (let after = request.after; ;) {
    const page = await log.read({ ...request, after });
    pages.push(page);
    if (page.complete) return pages;
    if (page.upTo <= after) throw new Error(`a page after ${after} leads nowhere`);
    after = page.upTo;
  }
}

/** Offsets of everything that a request yields, over all its pages. */
export async function offsetsOf(log: Log, request: Partial<ReadRequest> = {}): Promise<number[]> {
  const pages = await pagesOf(log, { after: 0, limit: 1000, ...request });
  return pages.flatMap(({ events }) => events.map(({ offset }) => offset));
}
