/**
 * Sends notices, each at most once (contract 30-transactions "Fallback").
 *
 * An event is claimed in the registry before anything leaves for it. A claim that a dead process left behind is `unknown`:
 * it may have been sent, so it is not sent again. Within a process a try that failed is repeated as long as its notifier
 * calls the failure passing.
 */
import type { Clock } from "../engine/clock.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { NoticeOutcome, Registry } from "../registry/registry.ts";
import { type Backoff, retryDelayMs } from "./backoff.ts";
import { type Notice, type Notifier, NotifyError } from "./notifier.ts";

export interface DispatchLimits extends Backoff {
  /** Notices taken and not ended; the next ones are refused. */
  readonly notices: number;
  /** Tries at the same time. */
  readonly concurrency: number;
  /** How long one try may take. */
  readonly tryMs: number;
  /** How long tries under way may take to end when the dispatcher closes. */
  readonly closeMs: number;
}

/** Enough for a receiver that is away for a quarter of an hour, and for mail servers that take no first try. */
export const DISPATCH_LIMITS: DispatchLimits = {
  notices: 10_000,
  concurrency: 8,
  tryMs: 30_000,
  closeMs: 5_000,
  tries: 10,
  firstDelayMs: 2_000,
  longestDelayMs: 300_000,
  longestRetryAfterMs: 900_000,
};

export interface DispatcherOptions {
  readonly notifier: Notifier;
  readonly registry: Pick<Registry, "claimNotice" | "finishNotice" | "releaseNotice" | "abandonNotices" | "sweepNotices">;
  /** Of several nodes; without it, this process alone sends notices. */
  readonly cluster?: Cluster | undefined;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** How long outcomes are kept: at least as long as an event may be handed in again. */
  readonly keepMs: number;
  /** The registry failed, or a notifier did what none should. */
  readonly onFault: (error: unknown) => void;
  readonly limits?: DispatchLimits | undefined;
}

/** Plain numbers, read at a scrape. */
export interface DispatchCounts extends Record<NoticeOutcome, number> {
  /** Handed in and taken. */
  taken: number;
  /** Not taken since too many wait. */
  refused: number;
  /** Had been claimed before. */
  repeated: number;
  tries: number;
  /** Given back unsent at the close. */
  released: number;
}

/** What became of a notice that was handed in: `refused` and `closed` ones are still due. */
export type Taking = "taken" | "repeated" | "refused" | "closed";

const SWEEP_MS = 3_600_000;

/** Marks what a process that is gone left behind and is ready then. */
export async function startDispatcher(options: DispatcherOptions): Promise<Dispatcher> {
  const { registry, cluster, clock, onFault } = options;
  const running = cluster && { except: [cluster.self, ...cluster.others()].map(({ id }) => id) };
  await registry.abandonNotices(clock.now(), running);
  cluster?.onGone(({ id }) => {
    registry.abandonNotices(clock.now(), { node: id }).catch(onFault);
  });
  return new Dispatcher(options);
}

/** A notice on its way. */
interface Errand {
  readonly notice: Notice;
  isClaimed: boolean;
  tries: number;
  /** One of the tries so far may have reached its receiver. */
  mayHaveArrived: boolean;
  lastError: string | undefined;
}

class Dispatcher {
  readonly counts: DispatchCounts = { taken: 0, refused: 0, repeated: 0, tries: 0, sent: 0, failed: 0, unknown: 0, released: 0 };
  readonly #options: DispatcherOptions;
  readonly #limits: DispatchLimits;
  /** Taken and not ended, by tenant and event. Invariant: each is in `#ready`, in `#delays` or in `#running`, and in one of them. */
  readonly #errands = new Map<string, Errand>();
  readonly #ready: Errand[] = [];
  /** Those that wait for their next try, with what ends the wait. */
  readonly #delays = new Map<Errand, () => void>();
  /** Those that talk to the registry or to the receiver, with what cuts it short. Invariant: at most `concurrency`. */
  readonly #running = new Map<Errand, { readonly cut: AbortController; readonly ended: Promise<void> }>();
  #stopSweeping: () => void = () => undefined;
  #isClosed = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#limits = options.limits ?? DISPATCH_LIMITS;
    this.#sweep();
  }

  /** How many notices are taken and not ended; a metric. */
  get size(): number {
    return this.#errands.size;
  }

  /** Takes a notice that is due. One that is taken twice goes out once. */
  take(notice: Notice): Taking {
    if (this.#isClosed) return "closed";
    const key = keyOf(notice);
    if (this.#errands.has(key)) {
      this.counts.repeated += 1;
      return "repeated";
    }
    if (this.#errands.size >= this.#limits.notices) {
      this.counts.refused += 1;
      return "refused";
    }
    const errand: Errand = { notice, isClaimed: false, tries: 0, mayHaveArrived: false, lastError: undefined };
    this.#errands.set(key, errand);
    this.#ready.push(errand);
    this.counts.taken += 1;
    this.#runReady();
    return "taken";
  }

  /** Lets tries under way end; what surely was not sent is given back, to be due again after the start. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopSweeping();
    for (const stopWaiting of this.#delays.values()) stopWaiting();
    const waiting = [...this.#ready.splice(0), ...this.#delays.keys()];
    this.#delays.clear();
    const running = [...this.#running.values()];
    const stopTimer = this.#options.clock.after(this.#limits.closeMs, () => {
      for (const { cut } of running) cut.abort();
    });
    await Promise.all([...waiting.map(async (errand) => this.#settle(errand)), ...running.map(async ({ ended }) => ended)]);
    stopTimer();
  }

  #runReady(): void {
    while (this.#running.size < this.#limits.concurrency) {
      const errand = this.#ready.shift();
      if (errand === undefined) return;
      const cut = new AbortController();
      const ended = Promise.withResolvers<undefined>();
      this.#running.set(errand, { cut, ended: ended.promise });
      void this.#run(errand, cut).finally(() => {
        ended.resolve(undefined);
      });
    }
  }

  async #run(errand: Errand, cut: AbortController): Promise<void> {
    const next = await this.#advance(errand, cut).catch((error: unknown) => {
      // Without the registry nothing goes out: unclaimed it is due again, claimed it will be found as unknown.
      this.#options.onFault(error);
      return "ended" as const;
    });
    this.#running.delete(errand);
    if (next === "ended") this.#errands.delete(keyOf(errand.notice));
    else if (this.#isClosed) await this.#settle(errand);
    else this.#delay(errand, next);
    if (!this.#isClosed) this.#runReady();
  }

  /** One try, with its claim before the first; says how long to wait for the next one. */
  async #advance(errand: Errand, cut: AbortController): Promise<number | "ended"> {
    const { registry, notifier, clock, cluster } = this.#options;
    const { tenant, eventId, userId } = errand.notice;
    if (!errand.isClaimed) {
      const isOurs = await registry.claimNotice({
        ...{ tenant, eventId, userId },
        kind: notifier.kind,
        claimedAt: clock.now(),
        node: cluster?.self.id,
      });
      if (!isOurs) {
        this.counts.repeated += 1;
        return "ended";
      }
      errand.isClaimed = true;
      // It has not left yet: it is given back.
      if (this.#isClosed) return 0;
    }
    const error = await this.#try(errand, cut);
    if (error === undefined) return this.#end(errand, "sent");
    errand.mayHaveArrived ||= error.mayHaveArrived;
    errand.lastError = error.message;
    const delayMs = retryDelayMs(error, errand.tries, this.#limits, this.#options.random);
    return delayMs ?? this.#end(errand, errand.mayHaveArrived ? "unknown" : "failed");
  }

  async #try(errand: Errand, cut: AbortController): Promise<NotifyError | undefined> {
    const { notifier, clock, onFault } = this.#options;
    this.counts.tries += 1;
    errand.tries += 1;
    const stopTimer = clock.after(this.#limits.tryMs, () => {
      cut.abort();
    });
    try {
      await notifier.send(errand.notice, cut.signal);
      return undefined;
    } catch (error) {
      if (error instanceof NotifyError) return error;
      onFault(error);
      return new NotifyError("permanent", "the notifier failed", { mayHaveArrived: true });
    } finally {
      stopTimer();
    }
  }

  async #end({ notice, tries, lastError }: Errand, status: NoticeOutcome): Promise<"ended"> {
    const { registry, clock } = this.#options;
    const { tenant, eventId } = notice;
    this.counts[status] += 1;
    await registry.finishNotice({ tenant, eventId, status, attempts: tries, lastError, doneAt: clock.now() });
    return "ended";
  }

  #delay(errand: Errand, ms: number): void {
    const stopWaiting = this.#options.clock.after(ms, () => {
      this.#delays.delete(errand);
      this.#ready.push(errand);
      this.#runReady();
    });
    this.#delays.set(errand, stopWaiting);
  }

  /** The end of what is not tried again since the dispatcher closes. */
  async #settle(errand: Errand): Promise<void> {
    const { tenant, eventId } = errand.notice;
    this.#errands.delete(keyOf(errand.notice));
    try {
      if (errand.mayHaveArrived) await this.#end(errand, "unknown");
      else if (errand.isClaimed) {
        await this.#options.registry.releaseNotice({ tenant, eventId });
        this.counts.released += 1;
      }
    } catch (error) {
      this.#options.onFault(error);
    }
  }

  #sweep(): void {
    const { registry, clock, keepMs, onFault } = this.#options;
    registry.sweepNotices(clock.now() - keepMs).catch(onFault);
    this.#stopSweeping = clock.after(SWEEP_MS, () => {
      this.#sweep();
    });
  }
}

export type { Dispatcher };

function keyOf({ tenant, eventId }: Notice): string {
  return JSON.stringify([tenant, eventId]);
}
