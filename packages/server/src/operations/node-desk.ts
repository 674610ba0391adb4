/** What operators ask, answered for their tenant: figures of the node, names and events of the tenant alone. */
import { type Offset, parseEventId } from "@broadtape/protocol/event-id";
import type { StoredEvent } from "@broadtape/protocol/event";
import type {
  EventDelivery,
  EventWay,
  EventWays,
  LatencyHistogram,
  LimitHits,
  LogTail,
  OperationsHistory,
  OperationsSummary,
  PublishRefusals,
  TopicRates,
} from "@broadtape/protocol/operations";
import { isoTime } from "../engine/clock.ts";
import type { Engine } from "../engine/engine.ts";
import { SAMPLE_MS } from "./history.ts";
import type { Delivered } from "./ledger.ts";
import { type LogFilter, loggedEvent, matches, readBack, readForward } from "./log-view.ts";
import { slowOf } from "./standing.ts";
import { Stirs } from "./stirs.ts";
import { type SummaryOptions, summaryOf } from "./summary.ts";
import { TopicMeter } from "./topic-rates.ts";
import type { Watch } from "./watch.ts";

const SLOW_LISTED = 100;
const DELIVERIES_LISTED = 1000;
const WAYS_LISTED = 50;

export interface TailQuery extends LogFilter {
  /** A cursor; without it, the newest events. */
  readonly after?: string | undefined;
  readonly limit: number;
  /** How long to wait for the first event where there is none. */
  readonly waitMs: number;
}

export class OperationsDesk {
  readonly #engine: Engine;
  readonly #watch: Watch;
  readonly #options: SummaryOptions;
  readonly #topics: TopicMeter;
  readonly #stirs: Stirs;

  constructor(engine: Engine, watch: Watch, options: SummaryOptions) {
    this.#engine = engine;
    this.#watch = watch;
    this.#options = options;
    this.#topics = new TopicMeter(engine.clock, engine.topics);
    this.#stirs = new Stirs(engine.clock);
    engine.onStored((event) => {
      this.#stirs.hear(event);
    });
  }

  /** Answers whoever waits. */
  close(): void {
    this.#stirs.release();
  }

  summary(tenant: string): OperationsSummary {
    return summaryOf(this.#engine, this.#watch, tenant, this.#options);
  }

  history(after: number | undefined): OperationsHistory {
    return { sampleMs: SAMPLE_MS, samples: this.#watch.history.samples(after) };
  }

  latency(windowMs: number): LatencyHistogram {
    return this.#watch.history.histogram(this.#engine.clock.now() - windowMs, windowMs);
  }

  topics(tenant: string, limit: number): TopicRates {
    return this.#topics.top(tenant, limit);
  }

  refusals(tenant: string, limit: number): PublishRefusals {
    return { refusals: this.#watch.refusals.list(tenant, limit) };
  }

  limits(tenant: string, limit: number): LimitHits {
    return { limits: this.#watch.limits.list(tenant, limit), slow: slowOf(this.#engine, tenant, SLOW_LISTED) };
  }

  async tail(tenant: string, { after: cursor, limit, waitMs, ...filter }: TailQuery, signal: AbortSignal): Promise<LogTail> {
    const engine = this.#engine;
    if (cursor === undefined) {
      const routedTo = engine.routedTo;
      const { events } = await readBack(engine, tenant, filter, routedTo, limit);
      return { events: events.map((event) => loggedEvent(engine, event)), next: engine.cursorAt(routedTo), complete: true };
    }
    const place = engine.resumeAt(cursor);
    const isKnown = "offset" in place;
    const from = isKnown ? place.offset : engine.bounds().oldest - 1;
    let found = await readForward(engine, tenant, filter, from, limit);
    const deadline = engine.clock.monotonic() + waitMs;
    while (found.complete && found.events.length === 0 && isKnown && !signal.aborted) {
      const left = deadline - engine.clock.monotonic();
      if (left <= 0) break;
      // Nothing is routed between the end of what was read and the beginning of the wait.
      const isAtEnd = engine.routedTo <= found.upTo;
      if (isAtEnd && !(await this.#stirs.wait((event) => event.tenant === tenant && matches(engine, filter, event), left, signal))) break;
      found = await readForward(engine, tenant, filter, found.upTo, limit);
    }
    const next = engine.cursorAt(Math.max(from, found.upTo));
    const events = found.events.map((event) => loggedEvent(engine, event));
    return { events, next, complete: found.complete, ...(!isKnown && { resync: { reason: place.reason } }) };
  }

  /** By either spelling of its id. */
  async way(tenant: string, eventId: string): Promise<EventWay | "unknown" | "expired"> {
    const engine = this.#engine;
    const place = parseEventId(eventId);
    if (place?.epoch !== engine.epoch || place.offset < 1 || place.offset > engine.routedTo) return "unknown";
    if (place.offset < engine.bounds().oldest) return "expired";
    const page = await engine.log.read({ after: place.offset - 1, until: place.offset, limit: 1, tenant });
    const [event] = page.events;
    if (event === undefined) return "unknown";
    const [way] = this.#waysOf(tenant, [event]);
    return way === undefined ? "unknown" : { ...way, ledger: this.#ledgerOf([event]) };
  }

  /** The newest events with a correlation id, up to and including `until`. */
  async ways(tenant: string, correlationId: string, until: Offset | undefined): Promise<EventWays> {
    const engine = this.#engine;
    const toOffset = Math.min(until ?? Infinity, engine.routedTo);
    const { events, from, complete } = await readBack(engine, tenant, { correlationId }, toOffset, WAYS_LISTED);
    return {
      correlationId,
      ways: this.#waysOf(tenant, events),
      searched: { fromOffset: from, toOffset, complete },
      ledger: this.#ledgerOf(events),
    };
  }

  #waysOf(tenant: string, events: readonly StoredEvent[]) {
    const byOffset = new Map(events.map(({ offset }) => [offset, [] as EventDelivery[]]));
    const delivered = this.#watch.ledger.deliveriesOf(new Set(byOffset.keys()), tenant);
    for (const each of delivered) byOffset.get(each.offset)?.push(this.#deliveryOf(each));
    return events.map((event) => {
      const all = byOffset.get(event.offset) ?? [];
      return { event: loggedEvent(this.#engine, event), deliveries: all.slice(0, DELIVERIES_LISTED), deliveriesTotal: all.length };
    });
  }

  #deliveryOf({ to, isLossless, attempt, replaced, writtenAt, ackedAt }: Delivered): EventDelivery {
    const { connectionId, userId, clientId, surface } = to;
    return {
      connectionId,
      userId,
      clientId: clientId ?? null,
      surface,
      delivery: isLossless ? "lossless" : "conflated",
      attempt,
      replaced,
      writtenAt: this.#wall(writtenAt),
      ackedAt: ackedAt === undefined ? null : this.#wall(ackedAt),
    };
  }

  #ledgerOf(events: readonly StoredEvent[]) {
    const isConflated = events.some(({ type }) => this.#engine.productOf(type)?.tellNewest !== undefined);
    const since = this.#wallMs(this.#watch.ledger.since(isConflated ? "all" : "lossless"));
    return { since: isoTime(since), complete: events.every(({ storedAt }) => storedAt >= since) };
  }

  #wall(monotonic: number): string {
    return isoTime(this.#wallMs(monotonic));
  }

  #wallMs(monotonic: number): number {
    const { clock } = this.#engine;
    return Math.round(clock.now() - (clock.monotonic() - monotonic));
  }
}
