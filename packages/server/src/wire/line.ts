/** A connection that is made again for as long as it takes, each time after a longer wait that is no other node's. */
import { setTimeout as delay } from "node:timers/promises";
import type { WireStatus } from "./wire.ts";

export interface Connection {
  /** Resolves with the reason when it carries nothing any more, also after {@link close}. Never rejects. */
  readonly lost: Promise<Error>;
  close(): Promise<void>;
}

/** The wait before an attempt doubles from the first to the longest; between half and all of it is waited. */
export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
}

export interface LineOptions<C extends Connection> {
  /** Makes a connection that is ready for use; rejects in time where it cannot be had. */
  readonly dial: () => Promise<C>;
  readonly backoff: Backoff;
  readonly random: () => number;
  /** Each time a connection is there; {@link Line.connection} is this one. */
  readonly onUp: (isAgain: boolean) => void;
  readonly onStatus: (status: WireStatus, error: Error | undefined) => void;
}

export class Line<C extends Connection> {
  readonly #options: LineOptions<C>;
  readonly #end = new AbortController();
  readonly #ended: Promise<void>;
  #status: Exclude<WireStatus, "none"> = "connecting";
  #connection: C | undefined;
  /** Whether anybody knows that it is away. */
  #isAwayTold = false;
  #wasUp = false;
  /** Ends the wait for the attempt under way. */
  #giveUp: () => void = () => undefined;

  constructor(options: LineOptions<C>) {
    this.#options = options;
    this.#ended = this.#keepUp();
  }

  get status(): WireStatus {
    return this.#status;
  }

  /** Undefined while there is none. */
  get connection(): C | undefined {
    return this.#connection;
  }

  /** An attempt that is under way is left to itself: what comes of it is closed. */
  async close(): Promise<void> {
    if (this.#isClosed()) return this.#ended;
    this.#tell("closed", undefined);
    const connection = this.#connection;
    this.#connection = undefined;
    this.#end.abort();
    this.#giveUp();
    await Promise.all([connection?.close(), this.#ended]);
  }

  async #keepUp(): Promise<void> {
    const { firstMs, longestMs } = this.#options.backoff;
    for (let waitMs = firstMs; !this.#isClosed();) {
      const started = performance.now();
      const error = await this.#untilLost();
      if (this.#isClosed()) return;
      if (!this.#isAwayTold) this.#tell("connecting", error);
      this.#isAwayTold = true;
      // A connection that breaks as soon as it is made is no better than none; an attempt of this length was wait enough.
      if (performance.now() - started > longestMs) waitMs = firstMs;
      await this.#wait(waitMs);
      waitMs = Math.min(longestMs, waitMs * 2);
    }
  }

  /** Resolves with why there is no connection: none could be made, or it was lost. */
  async #untilLost(): Promise<Error> {
    const dialled = await this.#dial();
    if (dialled instanceof Error) return dialled;
    this.#connection = dialled;
    this.#isAwayTold = false;
    this.#tell("connected", undefined);
    this.#options.onUp(this.#wasUp);
    this.#wasUp = true;
    const error = await dialled.lost;
    this.#connection = undefined;
    // Nothing more is to be had of it: how it ends is of no interest.
    dialled.close().catch(() => undefined);
    return error;
  }

  /** An error where there is no connection, or none is wanted any more. */
  async #dial(): Promise<C | Error> {
    const attempt = this.#options.dial().catch(errorOf);
    const outcome = await new Promise<C | Error>((resolve) => {
      this.#giveUp = () => resolve(new Error("closed"));
      void attempt.then(resolve);
    });
    if (this.#isClosed()) void attempt.then((late) => (late instanceof Error ? undefined : late.close())).catch(() => undefined);
    return this.#isClosed() ? new Error("closed") : outcome;
  }

  #isClosed(): boolean {
    return this.#status === "closed";
  }

  async #wait(ms: number): Promise<void> {
    const jittered = ms * (0.5 + this.#options.random() / 2);
    await delay(jittered, undefined, { signal: this.#end.signal }).catch(() => undefined);
  }

  #tell(status: Exclude<WireStatus, "none">, error: Error | undefined): void {
    this.#status = status;
    this.#options.onStatus(status, error);
  }
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
