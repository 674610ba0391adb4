/** A world in which the engine runs on a fake clock, a seeded generator and a log in memory; nothing in it waits for real time. */
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Clock } from "../../packages/server/src/engine/clock.ts";
import {
  type Appended,
  type Checkpoint,
  type CheckpointEntry,
  type Log,
  type LogPage,
  LogUnavailable,
  type NewEvent,
  type ReadRequest,
} from "../../packages/server/src/log/log.ts";

/** mulberry32: small, seeded, good enough to choose what happens next. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Time that moves when it is told to. */
export class FakeClock implements Clock {
  #now = 1_700_000_000_000;
  #timers: { at: number; run: () => void }[] = [];
  #endOfTurn: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  endOfTurn(run: () => void): void {
    this.#endOfTurn.push(run);
  }

  /** Runs what waits for the end of the turn. */
  turn(): void {
    for (let waiting = this.#endOfTurn; waiting.length > 0; waiting = this.#endOfTurn) {
      this.#endOfTurn = [];
      for (const run of waiting) run();
    }
  }

  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#timers.reduce<{ at: number; run: () => void } | undefined>(
        (best, each) => (each.at <= until && (best === undefined || each.at < best.at) ? each : best),
        undefined,
      );
      if (next === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      this.turn();
    }
    this.#now = until;
  }
}

/** What is on the disk: outlives the engine. */
export interface Disk {
  readonly events: StoredEvent[];
  readonly topics: (readonly string[])[];
  readonly keys: Map<string, StoredEvent>;
  checkpoint: { checkpoint: Checkpoint; entries: Map<string, CheckpointEntry> } | undefined;
  oldest: number;
}

export function newDisk(): Disk {
  return { events: [], topics: [], keys: new Map(), checkpoint: undefined, oldest: 1 };
}

/** A log whose commits happen when the test lets them. */
export class MemoryLog implements Log {
  readonly epoch = 7;
  readonly #disk: Disk;
  readonly #clock: Clock;
  #waiting: { events: readonly NewEvent[]; resolve: (appended: readonly Appended[]) => void; reject: (error: Error) => void }[] = [];
  #reads: (() => void)[] = [];

  constructor(disk: Disk, clock: Clock) {
    this.#disk = disk;
    this.#clock = clock;
  }

  bounds() {
    const last = this.#disk.events.at(-1);
    return { oldest: this.#disk.oldest, head: last?.offset ?? 0, headStoredAt: last?.storedAt ?? 0 };
  }

  append(events: readonly NewEvent[]): Promise<readonly Appended[]> {
    return new Promise((resolve, reject) => this.#waiting.push({ events, resolve, reject }));
  }

  /** Makes up to `batches` waiting batches durable. */
  commit(batches = Infinity): void {
    const group = this.#waiting.splice(0, batches);
    for (const { events, resolve } of group) resolve(this.#store(events));
  }

  /** What was not committed is lost, as in a crash. */
  crash(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new LogUnavailable("crashed"));
  }

  /** Lets waiting reads have their pages. */
  serveReads(): void {
    for (const read of this.#reads.splice(0)) read();
  }

  read(request: ReadRequest): Promise<LogPage> {
    return new Promise((resolve, reject) => {
      this.#reads.push(() => {
        if (request.after + 1 < this.#disk.oldest && request.after < this.bounds().head) reject(new RangeError("gone"));
        else resolve(this.#page(request));
      });
    });
  }

  find(tenant: string, source: string, id: string): Promise<StoredEvent | undefined> {
    return Promise.resolve(this.#disk.keys.get(`${tenant}/${source}/${id}`));
  }

  saveCheckpoint(checkpoint: Checkpoint, entries: readonly CheckpointEntry[]): Promise<void> {
    const all = this.#disk.checkpoint?.entries ?? new Map<string, CheckpointEntry>();
    for (const entry of entries) all.set(`${entry.view}/${entry.tenant}/${entry.entity}`, entry);
    this.#disk.checkpoint = { checkpoint, entries: all };
    return Promise.resolve();
  }

  loadCheckpoint() {
    const saved = this.#disk.checkpoint;
    return Promise.resolve(saved && { checkpoint: saved.checkpoint, entries: [...saved.entries.values()] });
  }

  dropCheckpoint(): Promise<void> {
    this.#disk.checkpoint = undefined;
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #store(events: readonly NewEvent[]): Appended[] {
    const batch = this.bounds().head + 1;
    return events.map((event) => {
      const key = `${event.tenant}/${event.source}/${event.id}`;
      const first = event.deduplicate ? this.#disk.keys.get(key) : undefined;
      if (first !== undefined) return { offset: first.offset, batch: first.batch, storedAt: first.storedAt, duplicate: true };
      const { topics, deduplicate, ...record } = event;
      const stored: StoredEvent = { ...record, offset: this.bounds().head + 1, batch, storedAt: this.#clock.now() };
      this.#disk.events.push(stored);
      this.#disk.topics.push(topics);
      if (deduplicate) this.#disk.keys.set(key, stored);
      return { offset: stored.offset, batch, storedAt: stored.storedAt, duplicate: false };
    });
  }

  #page({ after, until, limit, tenant, topics }: ReadRequest): LogPage {
    const end = Math.min(until ?? Infinity, this.bounds().head);
    const isWanted = (event: StoredEvent) =>
      (tenant === undefined || event.tenant === tenant) &&
      (topics === undefined || this.#disk.topics[event.offset - 1]?.some((topic) => topics.includes(topic)) === true);
    const wanted = this.#disk.events.slice(after, end).filter(isWanted);
    if (wanted.length <= limit) return { events: wanted, upTo: Math.max(after, end), complete: true };
    let cut = limit;
    while (cut > 0 && wanted[cut - 1]?.batch === wanted[cut]?.batch) cut -= 1;
    if (cut === 0) for (cut = 1; wanted[cut]?.batch === wanted[0]?.batch;) cut += 1;
    const events = wanted.slice(0, cut);
    const next = wanted[cut];
    return { events, upTo: next === undefined ? end : next.batch - 1, complete: next === undefined };
  }
}
