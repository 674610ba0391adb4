/** The newest events of the log as they are stored, in bounded memory: one question open at a time, which waits for the next event. */
import type { LogTail as TailPage, LoggedEvent } from "@broadtape/protocol/operations";
import { Refused, ask } from "./ask.ts";
import type { Poll, PollHost, Polled } from "./poll.ts";

export interface TailFilter {
  readonly type: string;
  readonly user: string;
  readonly topic: string;
  readonly correlationId: string;
}

export const NO_FILTER: TailFilter = { type: "", user: "", topic: "", correlationId: "" };

export interface TailView extends Polled<readonly LoggedEvent[]> {
  /** Newest first. */
  readonly value: readonly LoggedEvent[] | undefined;
  /** Ids of events before which some are left out. */
  readonly gaps: ReadonlySet<string>;
}

export const MAX_EVENTS = 200;
const PAGE_EVENTS = 100;
const WAIT_MS = 20_000;
/** However fast events come, the page asks no more often. */
const LEAST_MS = 700;
const RETRY_MS = 2000;

type Ask = (path: string, signal: AbortSignal) => Promise<TailPage>;

/** Reads while anybody listens and the page is shown. */
export class LogTail implements Pick<Poll<readonly LoggedEvent[]>, "get" | "subscribe" | "again"> {
  readonly #host: PollHost;
  readonly #ask: Ask;
  readonly #query: string;
  readonly #listeners = new Set<() => void>();
  #view: TailView = { value: undefined, asOf: undefined, staleSince: undefined, refusal: undefined, gaps: new Set() };
  /** The cursor of what was read; undefined to begin with the newest. */
  #next: string | undefined;
  #hasSkipped = false;
  /** The reading that runs; another one only after it was ended. */
  #reading: AbortController | undefined;
  #offVisibility: (() => void) | undefined;

  constructor(host: PollHost, ask: Ask, filter: Readonly<Record<keyof TailFilter, string>>) {
    this.#host = host;
    this.#ask = ask;
    const query = new URLSearchParams({ limit: String(PAGE_EVENTS) });
    for (const [name, text] of Object.entries(filter)) if (text.trim() !== "") query.set(name, text.trim());
    this.#query = query.toString();
  }

  readonly get = (): TailView => this.#view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) {
      this.#offVisibility = this.#host.onVisibility(() => this.again());
      this.again();
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#offVisibility?.();
      this.#stop();
    };
  };

  again(): void {
    this.#stop();
    if (this.#host.isHidden() || this.#listeners.size === 0) return;
    this.#reading = new AbortController();
    void this.#read(this.#reading.signal);
  }

  #stop(): void {
    this.#reading?.abort();
    this.#reading = undefined;
  }

  async #read(signal: AbortSignal): Promise<void> {
    const isEnded = () => signal.aborted;
    while (!isEnded()) {
      const after = this.#next === undefined ? "" : `&after=${encodeURIComponent(this.#next)}&waitMs=${WAIT_MS}`;
      let waitMs = LEAST_MS;
      try {
        const page = await this.#ask(`api/v1/operations/tail?${this.#query}${after}`, signal);
        if (isEnded()) return;
        this.#take(page);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (isEnded()) return;
        this.#show({ ...this.#view, staleSince: this.#view.asOf, refusal: error });
        if (error.statusCode === 403 || error.statusCode === 400) return;
        waitMs = RETRY_MS;
      }
      await this.#sleep(waitMs, signal);
    }
  }

  #take({ events, next, complete, resync }: TailPage): void {
    const known = resync === undefined ? (this.#view.value ?? []) : [];
    const newest = known[0]?.offset ?? -1;
    const fresh = events.filter(({ offset }) => offset > newest).toReversed();
    const value = [...fresh, ...known].slice(0, MAX_EVENTS);
    const gaps = new Set(value.flatMap(({ eventId }) => (this.#view.gaps.has(eventId) ? [eventId] : [])));
    const oldestFresh = fresh.at(-1);
    if (this.#hasSkipped && known.length > 0 && oldestFresh !== undefined) gaps.add(oldestFresh.eventId);
    // More comes than anybody reads: on with the newest, and what was left out is marked.
    this.#hasSkipped = this.#next !== undefined && !complete && events.length === PAGE_EVENTS;
    this.#next = this.#hasSkipped || resync !== undefined ? undefined : next;
    this.#show({ value, gaps, asOf: this.#host.now(), staleSince: undefined, refusal: undefined });
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#host.after(ms, resolve);
      signal.addEventListener("abort", () => {
        cancel();
        resolve();
      });
    });
  }

  #show(view: TailView): void {
    this.#view = view;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** The answer is what the protocol says of this path: page and server are of one build. */
export function tailAsker(authorized: typeof fetch): Ask {
  return async (path, signal) => (await ask(authorized, path, { signal })) as TailPage;
}
