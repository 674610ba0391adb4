/** What the desk says goes to the server in one order, as few requests as it takes, each event until it is stored. */
import { EventsRefused } from "../publisher.ts";
import type { DeskEvent } from "./events.ts";

/** "refused": the server's log contradicts it; whoever wrote it has to let its RFQ go. */
export type Outcome = "stored" | "refused";

export interface TapeOptions {
  /** A name that no other start of the demo has: with it, ids never repeat. */
  readonly run: string;
  /** Resolves when the lines are stored. */
  readonly publish: (lines: readonly string[]) => Promise<void>;
  /** Hears of a fault that is no refusal of an event: nothing more can be published. */
  readonly onFault: (error: unknown) => void;
}

interface Entry {
  readonly rfqId: string;
  readonly lines: readonly string[];
  readonly settle: (outcome: Outcome) => void;
}

const SOURCE = "demo/desk";
/** Keeps a request far below the server's limit of 1 MiB. */
const MAX_ENTRIES = 200;
/** Beyond it the server is away or slow: the desk says only what it must. */
const BEHIND = 400;

export class Tape {
  readonly #options: TapeOptions;
  /** In the order of writing; what is being published stands here until it is stored. */
  #entries: Entry[] = [];
  #isPublishing = false;
  #idle: Promise<void> = Promise.resolve();
  #written = 0;

  constructor(options: TapeOptions) {
    this.#options = options;
  }

  get isBehind(): boolean {
    return this.#entries.length > BEHIND;
  }

  /** Events of one RFQ, and others' lines that belong to them: stored together or not at all. */
  async write(
    tenant: string,
    rfqId: string,
    events: readonly DeskEvent[],
    time: number,
    alongside: readonly string[] = [],
  ): Promise<Outcome> {
    const own = events.map(({ type, data }) => {
      const id = `${this.#options.run}/${(this.#written++).toString(36)}`;
      return JSON.stringify({ type, source: SOURCE, id, time: new Date(time).toISOString(), subject: rfqId, tenantid: tenant, data });
    });
    return new Promise((settle) => {
      this.#entries.push({ rfqId, lines: [...own, ...alongside], settle });
      if (!this.#isPublishing) this.#idle = this.#drain();
    });
  }

  /** Resolves when everything written so far is stored. */
  async idle(): Promise<void> {
    await this.#idle;
  }

  async #drain(): Promise<void> {
    this.#isPublishing = true;
    try {
      while (this.#entries.length > 0) await this.#publish(this.#entries.slice(0, MAX_ENTRIES));
    } catch (error) {
      this.#options.onFault(error);
    } finally {
      this.#isPublishing = false;
    }
  }

  async #publish(entries: readonly Entry[]): Promise<void> {
    try {
      await this.#options.publish(entries.flatMap(({ lines }) => lines));
      this.#settle(entries, "stored");
    } catch (error) {
      const refused = error instanceof EventsRefused ? refusedOf(entries, error.lines) : [];
      if (refused.length === 0) throw error;
      // Nothing of the batch was stored: the others go again without what stood in their way.
      this.#settle(refused, "refused");
    }
  }

  #settle(entries: readonly Entry[], outcome: Outcome): void {
    const done = new Set(entries);
    this.#entries = this.#entries.filter((entry) => !done.has(entry));
    for (const { settle } of entries) settle(outcome);
  }
}

/** All entries of the RFQs that these lines are of. */
function refusedOf(entries: readonly Entry[], lines: ReadonlySet<number>): Entry[] {
  const owners = entries.flatMap(({ rfqId, lines: own }) => own.map(() => rfqId));
  const rfqIds = new Set([...lines].map((line) => owners[line]));
  return entries.filter(({ rfqId }) => rfqIds.has(rfqId));
}
