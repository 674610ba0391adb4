/** One event stream that is opened again whenever it ends, for ever: attempts, back-off and silence. It knows nothing of what is said. */
import { createParser } from "eventsource-parser";
import type { TokenSource } from "../connection-options.ts";
import { type Store, ValueStore } from "../store.ts";
import type { StreamEnvironment } from "./environment.ts";
import { CONNECTING, type StreamEnd, StreamError, type StreamStatus, refusalOf } from "./stream-status.ts";

/** The server says something every 30 s; after three times that contact is lost, whatever the operating system believes. */
const SILENCE_MS = 90_000;
/** A stream that has not begun by then, token and all, has failed. */
const OPEN_MS = 30_000;
const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 30_000;
/** A stream that was live for so long begins its back-off anew. */
const STABLE_MS = 5000;
/** Characters of one event; a stream without line breaks grows no further. */
const MAX_EVENT_CHARS = 8 * 1024 * 1024;

/** An event as it came: its data is text yet. */
export interface StreamText {
  readonly event: string;
  readonly data: string;
  /** Where to resume after it. */
  readonly id: string | undefined;
}

interface StreamPlan {
  readonly address: string;
  readonly credentials: RequestCredentials;
  readonly token: TokenSource | undefined;
  readonly environment: StreamEnvironment;
  readonly onError: (error: unknown) => void;
}

export interface StreamConnectionEvents {
  onText(text: StreamText): void;
  /** Where to resume; undefined: from now. */
  cursor(): string | undefined;
}

/** How a client of a stream comes by it: over a connection of its own, or over that of a tab. */
export interface StreamLine {
  readonly status: Store<StreamStatus>;
  connect(): void;
  /** The server has greeted. */
  greeted(): void;
  /** The server ends the stream; the next begins after so long, else after the back-off. */
  again(afterMs?: number): void;
  /** The server ends the stream for good. */
  refused(reason: string): void;
  /** Ends it until {@link connect}. */
  close(reason: string): void;
}

export class StreamConnection implements StreamLine {
  readonly status: Store<StreamStatus>;
  readonly #plan: StreamPlan;
  readonly #events: StreamConnectionEvents;
  readonly #status: ValueStore<StreamStatus>;
  /** Of the attempt that is under way. Invariant: an attempt whose signal is aborted says nothing more. */
  #attempt: AbortController | undefined;
  #cancelTimer: () => void = () => undefined;
  #offOnline: (() => void) | undefined;
  #isWaiting = false;
  #heardAt = 0;
  #liveSince: number | undefined;
  /** Since it was last live for a while; the exponent of the back-off. */
  #attempts = 0;
  /** What the server said in `retry:`. */
  #retryMs: number | undefined;
  /** A refused token was fetched anew, to no avail so far. */
  #isRenewed = false;

  constructor(plan: StreamPlan, events: StreamConnectionEvents) {
    this.#plan = plan;
    this.#events = events;
    this.#status = new ValueStore(CONNECTING, plan.onError);
    this.status = this.#status;
  }

  /** Opens it, also after it was closed; while it waits for its next attempt, at once. `staleSince`: somebody else had it until then. */
  connect(staleSince?: number): void {
    if (this.#attempt !== undefined) return;
    this.#offOnline ??= this.#plan.environment.onOnline(() => {
      if (this.#isWaiting) this.#begin();
    });
    if (this.#status.get().state === "closed" || staleSince !== undefined) {
      this.#attempts = 0;
      this.#status.set(staleSince === undefined ? CONNECTING : { ...CONNECTING, state: "stale", staleSince });
    }
    this.#begin();
  }

  close(reason: string, httpStatus?: number): void {
    this.#drop();
    this.#liveSince = undefined;
    this.#offOnline?.();
    this.#offOnline = undefined;
    const { state, staleSince } = this.#status.get();
    if (state === "closed") return;
    this.#status.set({ state: "closed", staleSince: staleSince ?? this.#plan.environment.now(), reason, httpStatus });
  }

  refused(reason: string): void {
    this.close(reason);
  }

  greeted(): void {
    if (this.#attempt === undefined || this.#liveSince !== undefined) return;
    this.#liveSince = this.#plan.environment.now();
    this.#isRenewed = false;
    this.#status.set({ state: "live", staleSince: undefined, reason: undefined, httpStatus: undefined });
  }

  again(afterMs?: number): void {
    if (this.#attempt !== undefined) this.#ended({ again: true, afterMs });
  }

  #begin(): void {
    this.#drop();
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#wait(OPEN_MS, () => this.#ended({ again: true }));
    this.#read(attempt.signal).then(
      (end) => {
        if (!attempt.signal.aborted) this.#ended(end);
      },
      // The network ended it, or we did.
      () => {
        if (!attempt.signal.aborted) this.#ended({ again: true });
      },
    );
  }

  async #read(signal: AbortSignal): Promise<StreamEnd> {
    const { environment, address, credentials } = this.#plan;
    const isOver = () => signal.aborted;
    const headers = await this.#headers();
    if (isOver()) return { again: true };
    const response = await environment.fetch(address, { headers, credentials, cache: "no-store", signal });
    const refusal = await refusalOf(response, environment.random);
    if (refusal !== undefined) return this.#mayRenew(refusal) ? { again: true, afterMs: 0 } : refusal;
    if (isOver() || response.body === null) return { again: true };
    this.#opened();
    const reader = response.body.getReader();
    signal.addEventListener("abort", () => void reader.cancel().catch(() => undefined));
    const decoder = new TextDecoder();
    const parser = this.#parser(signal);
    for (let chunk = await reader.read(); !chunk.done && !isOver(); chunk = await reader.read()) {
      this.#heardAt = environment.now();
      parser.feed(decoder.decode(chunk.value, { stream: true }));
    }
    return { again: true };
  }

  async #headers(): Promise<Record<string, string>> {
    const { token: source, onError } = this.#plan;
    const token = typeof source === "function" ? await tokenFrom(source, onError) : source;
    const cursor = this.#events.cursor();
    return {
      Accept: "text/event-stream",
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(cursor !== undefined && { "Last-Event-ID": cursor }),
    };
  }

  /** A function may give a better token than the one that was refused: once. */
  #mayRenew(refusal: StreamEnd): boolean {
    if (refusal.again || refusal.httpStatus !== 401 || typeof this.#plan.token !== "function" || this.#isRenewed) return false;
    this.#isRenewed = true;
    return true;
  }

  #opened(): void {
    this.#heardAt = this.#plan.environment.now();
    const status = this.#status.get();
    if (status.state === "stale") this.#status.set({ ...status, state: "resuming" });
    this.#watch(SILENCE_MS);
  }

  #parser(signal: AbortSignal) {
    return createParser({
      maxBufferSize: MAX_EVENT_CHARS,
      onEvent: ({ event = "message", data, id }) => {
        if (!signal.aborted) this.#events.onText({ event, data, id });
      },
      onRetry: (ms) => (this.#retryMs = ms),
      onError: (error) =>
        this.#plan.onError(new StreamError(`the stream has a line that says nothing: ${error.message}`, undefined, error)),
    });
  }

  /** Rings when nothing was heard for {@link SILENCE_MS}: set once for many messages, not at each. */
  #watch(ms: number): void {
    this.#wait(ms, () => {
      const left = this.#heardAt + SILENCE_MS - this.#plan.environment.now();
      if (left > 0) this.#watch(left);
      else this.#ended({ again: true });
    });
  }

  #ended(end: StreamEnd): void {
    this.#drop();
    if (!end.again) {
      this.close(end.reason, end.httpStatus);
      return;
    }
    const { environment } = this.#plan;
    const wasStable = this.#liveSince !== undefined && environment.now() - this.#liveSince >= STABLE_MS;
    const attempts = wasStable ? 0 : this.#attempts;
    const { state, staleSince } = this.#status.get();
    const wasLive = state !== "connecting";
    if (wasLive) this.#status.set({ state: "stale", staleSince: staleSince ?? this.#heardAt, reason: undefined, httpStatus: undefined });
    this.#attempts = attempts + 1;
    this.#liveSince = undefined;
    this.#isWaiting = true;
    // At once is for the first of a row alone.
    const afterMs = end.afterMs === 0 && attempts > 0 ? undefined : end.afterMs;
    this.#wait(afterMs ?? this.#backOff(attempts), () => this.#begin());
  }

  /** Not below what the server asked for, doubled at each attempt up to a cap, and never the same for all. */
  #backOff(attempts: number): number {
    const least = this.#retryMs ?? FIRST_DELAY_MS;
    const most = Math.max(least, MAX_DELAY_MS / 1.5);
    return Math.min(most, least * 2 ** attempts) * (1 + this.#plan.environment.random() / 2);
  }

  #drop(): void {
    this.#cancelTimer();
    this.#isWaiting = false;
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.abort();
  }

  #wait(ms: number, run: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#plan.environment.after(ms, run);
  }
}

/** What the caller's function throws is told to the caller, and ends the attempt. */
async function tokenFrom(source: () => string | Promise<string>, onError: (error: unknown) => void): Promise<string> {
  try {
    return await source();
  } catch (error) {
    onError(error);
    throw error;
  }
}
