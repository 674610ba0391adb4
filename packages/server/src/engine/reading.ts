/**
 * Reads on in the log where it holds more than is applied: what others stored, in whole publish batches. One reading at a time, and again
 * after a while where it failed or brought nothing.
 */
import type { Offset } from "@broadtape/protocol/event-id";
import type { StoredEvent } from "@broadtape/protocol/event";
import { type Log, LogEnded, type LogPage, LogUnavailable, type SharedLog } from "../log/log.ts";
import type { Deadline, Wheel } from "./wheel.ts";

export interface ReadingOptions {
  readonly log: Log | SharedLog;
  readonly wheel: Wheel;
  /** As `Cluster.awake`. */
  readonly awake: () => Promise<void> | undefined;
  readonly onFault: (error: unknown) => void;
  /** What follows is no longer in the log. */
  readonly onGone: (error: LogEnded) => void;
}

/** Who goes along with the log. */
export interface ReadingOwner {
  /** Newest offset that is applied. */
  readonly routedTo: Offset;
  /** False before it goes along, and when it does so no more: nothing is read by itself then. */
  readonly isOpen: boolean;
  /** Own batches are on their way, which will most often bring what is missing from memory. */
  readonly awaitsOwn: boolean;
  /** Applies a batch that ends after `routedTo`. */
  applyStored(batch: readonly StoredEvent[], last: StoredEvent): void;
}

const PAGE = 500;
/** How long an own batch that is on its way is waited for before what others stored meanwhile is read without it. */
const OWN_MS = 20;
/** What could not be read is read again after so long. */
const RETRY_MS = 1000;
/** One reading may bring nothing because it was under way before; more of them say that the log has less than it told of. */
const FRUITLESS = 2;

export class Reading {
  readonly #options: ReadingOptions;
  readonly #owner: ReadingOwner;
  /** While one is under way. */
  #reading: Promise<void> | undefined;
  /** Readings in a row that brought nothing. */
  #fruitless = 0;
  /** Set while an own batch is waited for that most likely brings what is missing, or until what failed is tried again. */
  #waiting: Deadline | undefined;

  constructor(options: ReadingOptions, owner: ReadingOwner) {
    this.#options = options;
    this.#owner = owner;
  }

  /** The log's head may be further than what is applied. */
  moved(): void {
    if (!this.#owner.isOpen || this.#waiting !== undefined || !this.#isBehind) return;
    if (this.#owner.awaitsOwn) this.#readLater(OWN_MS);
    else this.#readOn();
  }

  /** Something was applied: where that is all there is, nothing is waited for. */
  reached(): void {
    if (this.#waiting === undefined || this.#isBehind) return;
    this.#options.wheel.disarm(this.#waiting);
    this.#waiting = undefined;
  }

  /** One reading, to where the log ends; the one that is under way where there is one. Rejects with what the log says. */
  read(): Promise<void> {
    this.#reading ??= this.#readToHead().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Reads until at least `head` is applied, which the log has told of. */
  async readTo(head: Offset): Promise<void> {
    const owner = this.#owner;
    for (let fruitless = 0; owner.isOpen && owner.routedTo < head;) {
      const before = owner.routedTo;
      await this.read();
      fruitless = owner.routedTo > before ? 0 : fruitless + 1;
      if (fruitless > FRUITLESS) throw new LogUnavailable(`the log told of ${head} and ends at ${before}`);
    }
  }

  /** Resolves, or rejects, when nothing is read. */
  async idle(): Promise<void> {
    await this.#reading;
  }

  get #isBehind(): boolean {
    return this.#options.log.bounds().head > this.#owner.routedTo;
  }

  #readLater(ms: number): void {
    if (!this.#owner.isOpen || this.#waiting !== undefined || !this.#isBehind) return;
    this.#waiting = this.#options.wheel.arm(ms, () => {
      this.#waiting = undefined;
      if (this.#owner.isOpen && this.#isBehind) this.#readOn();
    });
  }

  #readOn(): void {
    const before = this.#owner.routedTo;
    this.read().then(
      () => {
        this.#fruitless = this.#owner.routedTo > before ? 0 : this.#fruitless + 1;
        if (this.#fruitless <= FRUITLESS) this.moved();
        else this.#readLater(RETRY_MS);
      },
      (error: unknown) => {
        if (!this.#owner.isOpen) return;
        // Of its outages the log tells itself.
        if (!(error instanceof LogUnavailable)) this.#options.onFault(error);
        this.#readLater(RETRY_MS);
      },
    );
  }

  async #readToHead(): Promise<void> {
    for (let isComplete = false; !isComplete;) {
      await this.#options.awake();
      const page = await readAfter(this.#options.log, this.#owner.routedTo, PAGE).catch((error: unknown) => this.#unread(error));
      for (const batch of batchesOf(page.events)) {
        const last = batch.at(-1);
        // Meanwhile an own batch may have been applied from memory.
        if (last !== undefined && last.offset > this.#owner.routedTo) this.#owner.applyStored(batch, last);
      }
      isComplete = page.complete;
    }
  }

  #unread(error: unknown): never {
    if (!(error instanceof RangeError)) throw error;
    const gone = `what follows event ${this.#owner.routedTo} is no longer in the log: this node has to start again`;
    if (this.#owner.isOpen) this.#options.onGone(new LogEnded(gone));
    // Whoever waits for it here goes to another node.
    throw new LogUnavailable(gone);
  }
}

/** What follows an offset, without a gap. Rejects with RangeError where retention has taken some of it. */
export async function readAfter(log: Log, after: Offset, limit: number): Promise<LogPage> {
  const page = await log.read({ after, limit });
  // After 0 a log begins with the oldest that it has.
  const first = page.events[0]?.offset ?? page.upTo + 1;
  if (first > after + 1) throw new RangeError(`the log begins at ${first}: what follows ${after} is gone`);
  return page;
}

/** Publish batches, which pages of the log hold whole. */
export function batchesOf(events: readonly StoredEvent[]): StoredEvent[][] {
  const batches: StoredEvent[][] = [];
  for (const event of events) {
    const current = batches.at(-1);
    if (current?.[0]?.batch === event.batch) current.push(event);
    else batches.push([event]);
  }
  return batches;
}
