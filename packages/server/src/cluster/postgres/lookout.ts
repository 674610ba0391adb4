/** Looks into the database each second, and when it is woken: renews the lease, and tells what it finds. */
import type { ClusterMeter } from "../meter.ts";
import type { Database } from "./database.ts";
import type { DatabaseClock } from "./database-clock.ts";
import { dial, type Line, type LineOptions, type Look, type NoteRow } from "./line.ts";

export interface LookoutOptions extends Omit<LineOptions, "pool" | "onWake"> {
  readonly database: Database;
  readonly clock: DatabaseClock;
  readonly meter: ClusterMeter;
  readonly monotonic: () => number;
  /** Each look that was had, after its notes. */
  readonly onLook: (look: Look) => void;
  readonly onNote: (note: NoteRow) => void;
  readonly onWarning: (message: string) => void;
}

/** Measurements of the clock before anybody is served. */
const FIRST_MEASUREMENTS = 8;

export class Lookout {
  readonly #options: LookoutOptions;
  #line: Line | undefined;
  /** The last note that was heard: each one is heard after the one before it. */
  #heard = { number: 0, toldAt: 0 };
  #renewedAt = -Infinity;
  #isWoken = false;
  #wake: () => void = () => undefined;
  #isClosed = false;
  /** Who waits for the end of the next look. */
  #waiting: (() => void)[] = [];
  #ended: Promise<void> = Promise.resolve();

  constructor(options: LookoutOptions) {
    this.#options = options;
  }

  /** Looks for the first time: what was told before is not for this node. Rejects where the database is not there. */
  async open(): Promise<void> {
    const { clock, monotonic, onLook } = this.#options;
    const line = await this.#dial();
    try {
      for (let count = 0; count < FIRST_MEASUREMENTS; count++) await clock.measure(() => line.time());
      clock.settle();
      const look = await line.look(Number.MAX_SAFE_INTEGER, true);
      this.#heard = { number: look.head, toldAt: await line.time() };
      this.#renewedAt = monotonic();
      // That nobody knew this node is no news.
      onLook({ ...look, wasUnknown: false });
    } catch (error) {
      line.end();
      throw error;
    }
    this.#line = line;
    this.#ended = this.#keepLooking();
  }

  /** There is something to look at. */
  wake(): void {
    this.#isWoken = true;
    this.#wake();
  }

  /** Resolves when a look has ended that began after this, whatever came of it. */
  async next(): Promise<void> {
    if (this.#isClosed) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.wake();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake();
    await this.#ended;
    this.#line?.end();
  }

  async #keepLooking(): Promise<void> {
    const { database, monotonic, times } = this.#options;
    for (let restMs = times.renewMs; ; restMs = Math.max(0, this.#renewedAt + times.renewMs - monotonic())) {
      await this.#rest(restMs);
      const waiting = this.#waiting.splice(0);
      const told = () => {
        for (const tell of waiting) tell();
      };
      if (this.#isClosed) {
        told();
        return;
      }
      try {
        await this.#look();
      } catch (error) {
        this.#line?.end();
        this.#line = undefined;
        database.failed(error);
        // Tried again after a while, whoever calls.
        this.#renewedAt = monotonic();
        this.#isWoken = this.#waiting.length > 0;
      }
      told();
    }
  }

  async #rest(ms: number): Promise<void> {
    if (this.#isWoken || this.#isClosed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #look(): Promise<void> {
    const { clock, meter, monotonic, onLook, onNote, times } = this.#options;
    this.#isWoken = false;
    if (this.#line?.isLost === true) this.#line.end();
    if (this.#line === undefined || this.#line.isLost) this.#line = await this.#dial();
    const line = this.#line;
    const isRenewal = monotonic() - this.#renewedAt >= times.renewMs;
    if (isRenewal) {
      this.#renewedAt = monotonic();
      await clock.measure(() => line.time());
    }
    const look = await line.look(this.#heard.number, isRenewal);
    // A standby took over that lacked notes: numbers are given again from there on.
    if (look.head < this.#heard.number) {
      this.#heard = { ...this.#heard, number: await line.numberAt(this.#heard.toldAt) };
      this.#isWoken = true;
    }
    for (const note of look.notes) {
      const missed = note.number - this.#heard.number - 1;
      if (missed > 0) this.#warnOf(missed);
      meter.missed += Math.max(0, missed);
      this.#heard = { number: note.number, toldAt: note.toldAt };
      onNote(note);
    }
    if (look.isMore) this.#isWoken = true;
    onLook(look);
  }

  #warnOf(missed: number): void {
    this.#options.onWarning(`this node was cut off for so long that ${missed} of the others' notes are lost to it`);
  }

  async #dial(): Promise<Line> {
    return dial({ ...this.#options, pool: this.#options.database.pool, onWake: () => this.wake() });
  }
}
