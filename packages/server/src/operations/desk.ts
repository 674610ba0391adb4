/** What operators ask, answered for their tenant and over all nodes: figures of nodes, names and events of the tenant alone. */
import { type Offset, parseEventId } from "@broadtape/protocol/event-id";
import type { StoredEvent } from "@broadtape/protocol/event";
import type {
  EventWay,
  EventWays,
  LatencyHistogram,
  LimitHits,
  LogTail,
  OperationsHistory,
  OperationsSummary,
  PublishRefusals,
  TopicRates,
  ViewsComparison,
} from "@broadtape/protocol/operations";
import type { Identity } from "@broadtape/protocol/identity";
import type { ConnectionList } from "@broadtape/protocol/rest";
import { isoTime } from "../engine/clock.ts";
import type { Engine } from "../engine/engine.ts";
import { Asking, NodeUnavailable } from "./asking.ts";
import { comparedViews } from "./compared-views.ts";
import { type Place, type Whose, inOrder } from "./connections.ts";
import { Departed } from "./departed.ts";
import { DELIVERIES_LISTED, TOPICS_OF_NODE, WAYS_LISTED } from "./listed.ts";
import { type LogFilter, loggedEvent, matches, readBack, readForward } from "./log-view.ts";
import { mergedHistory, mergedLatency, mergedLimits, mergedRefusals, mergedTopics, unansweredOf } from "./merged.ts";
import { mergedSummary } from "./merged-summary.ts";
import { type NodeAnswers, READS, nodeAnswers } from "./node-answers.ts";
import { Stirs } from "./stirs.ts";
import type { SummaryOptions } from "./summary.ts";
import { known } from "./told.ts";
import type { Watch } from "./watch.ts";

/** How long an event is waited for that another node has told of. */
const BEHIND_MS = 1000;
/** Views of millions of entities are not summed in no time. */
const VIEWS_MS = 15_000;

export interface TailQuery extends LogFilter {
  /** A cursor; without it, the newest events. */
  readonly after?: string | undefined;
  readonly limit: number;
  /** How long to wait for the first event where there is none. */
  readonly waitMs: number;
}

export class OperationsDesk {
  readonly #engine: Engine;
  readonly #asking: Asking<NodeAnswers>;
  readonly #departed: Departed;
  readonly #stirs: Stirs;

  constructor(engine: Engine, watch: Watch, options: SummaryOptions) {
    this.#engine = engine;
    this.#asking = new Asking(engine.cluster, nodeAnswers(engine, watch, options), READS);
    this.#departed = new Departed(engine.cluster, engine.clock);
    this.#stirs = new Stirs(engine.clock);
    engine.onStored((event) => {
      this.#stirs.hear(event);
    });
  }

  /** Answers whoever waits, and no other node any more. */
  close(): void {
    this.#stirs.release();
    this.#asking.close();
    this.#departed.close();
  }

  /** `node`, here and below: id or name of the one that is asked; without it, all are. */
  async summary(tenant: string, node?: string): Promise<OperationsSummary> {
    const parts = await this.#asking.ask("summary", { tenant }, { node });
    return mergedSummary(parts, node === undefined ? this.#departed : { missing: () => [] });
  }

  async history(after: number | undefined, node?: string): Promise<OperationsHistory> {
    const asked = await this.#asking.ask("history", { after: after ?? null }, { node });
    return { ...mergedHistory(asked.parts, after), ...unansweredOf(asked) };
  }

  async latency(windowMs: number, node?: string): Promise<LatencyHistogram> {
    const asked = await this.#asking.ask("latency", { windowMs }, { node });
    return { ...mergedLatency(asked.parts, windowMs), ...unansweredOf(asked) };
  }

  async topics(tenant: string, limit: number, node?: string): Promise<TopicRates> {
    const isAlone = node !== undefined || this.#engine.cluster.others().length === 0;
    const asked = await this.#asking.ask("topics", { tenant, limit: isAlone ? limit : TOPICS_OF_NODE }, { node });
    return { ...mergedTopics(asked.parts, limit), ...unansweredOf(asked) };
  }

  async refusals(tenant: string, limit: number, node?: string): Promise<PublishRefusals> {
    const asked = await this.#asking.ask("refusals", { tenant, limit }, { node });
    return { refusals: mergedRefusals(asked.parts, limit), ...unansweredOf(asked) };
  }

  async limits(tenant: string, limit: number, node?: string): Promise<LimitHits> {
    const asked = await this.#asking.ask("limits", { tenant, limit }, { node });
    return { ...mergedLimits(asked.parts, limit), ...unansweredOf(asked) };
  }

  async views(node?: string): Promise<ViewsComparison> {
    return comparedViews(this.#engine, (query, among) => this.#asking.ask("views", query, { node, among, timeoutMs: VIEWS_MS }));
  }

  async connections(
    whose: Whose,
    page: { readonly after: Place | undefined; readonly limit: number },
    node?: string,
  ): Promise<ConnectionList> {
    const { limit, after = null } = page;
    const asked = await this.#asking.ask("connections", { ...whose, after, limit }, { node });
    const seesNodes = whose.userId === null;
    const found = asked.parts.flatMap(({ node: { name }, answer }) =>
      answer.page.map(({ since, id, state }) => ({ since, id, state: { ...state, ...(seesNodes && { node: name }) } })),
    );
    const listed = found.sort(inOrder).slice(0, limit);
    const last = listed.at(-1);
    const isAll = found.length === listed.length && !asked.parts.some(({ answer }) => answer.hasMore);
    return {
      connections: listed.map(({ state }) => state),
      next: last === undefined || isAll ? null : `${last.since}-${last.id}`,
      ...unansweredOf(asked),
    };
  }

  /**
   * Ends a connection wherever it is; undefined where there is none, else whose it was. Throws {@link NodeUnavailable} where a node
   * that may hold it did not answer.
   */
  async endConnection(whose: Whose, id: string, by: string): Promise<{ readonly userId: string } | undefined> {
    const query = { ...whose, id, by };
    const [own] = (await this.#asking.ask("end", query, { node: this.#engine.cluster.self.id })).parts;
    if (own !== undefined && own.answer !== null) return own.answer;
    const { parts, silent } = await this.#asking.ask("end", query);
    for (const { answer } of parts) if (answer !== null) return answer;
    const [unasked] = silent;
    if (unasked !== undefined) throw new NodeUnavailable(unasked);
    return undefined;
  }

  /** Breaks a user's connections without a word; returns how many. */
  async cut({ tenant, userId }: Pick<Identity, "tenant" | "userId">): Promise<number> {
    const { parts } = await this.#asking.ask("cut", { tenant, userId });
    return parts.reduce((sum, { answer }) => sum + answer, 0);
  }

  async tail(tenant: string, { after: cursor, limit, waitMs, ...filter }: TailQuery, signal: AbortSignal): Promise<LogTail> {
    const engine = this.#engine;
    if (cursor === undefined) {
      const routedTo = engine.routedTo;
      const { events } = await readBack(engine, tenant, filter, routedTo, limit);
      return { events: events.map((event) => loggedEvent(engine, event)), next: engine.cursorAt(routedTo), complete: true };
    }
    await this.#reach(cursor, signal);
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
    await this.#reach(eventId, undefined);
    const place = parseEventId(eventId);
    if (place?.epoch !== engine.epoch || place.offset < 1 || place.offset > engine.routedTo) return "unknown";
    if (place.offset < engine.bounds().oldest) return "expired";
    const page = await engine.log.read({ after: place.offset - 1, until: place.offset, limit: 1, tenant });
    const [event] = page.events;
    if (event === undefined) return "unknown";
    const { ways, ...rest } = await this.#waysOf(tenant, [event]);
    const [way] = ways;
    return way === undefined ? "unknown" : { ...way, ...rest };
  }

  /** The newest events with a correlation id, up to and including `until`. */
  async ways(tenant: string, correlationId: string, until: Offset | undefined): Promise<EventWays> {
    const engine = this.#engine;
    const toOffset = Math.min(until ?? Infinity, engine.routedTo);
    const { events, from, complete } = await readBack(engine, tenant, { correlationId }, toOffset, WAYS_LISTED);
    const searched = { fromOffset: from, toOffset, complete };
    return { correlationId, searched, ...(await this.#waysOf(tenant, events)) };
  }

  /** The log is the same on every node; each knows of its own deliveries. */
  async #waysOf(tenant: string, events: readonly StoredEvent[]): Promise<Pick<EventWays, "ways" | "ledger" | "unanswered">> {
    const isConflated = events.some(({ type }) => this.#engine.productOf(type)?.tellNewest !== undefined);
    const offsets = events.map(({ offset }) => offset);
    const asked = await this.#asking.ask("deliveries", { tenant, offsets, isConflated });
    const ways = events.map((event, index) => {
      const parts = asked.parts.flatMap(({ answer }) => answer.ofEvents[index] ?? []);
      const deliveries = parts.flatMap((part) => part.deliveries);
      if (parts.length > 1) deliveries.sort((a, b) => (a.writtenAt < b.writtenAt ? -1 : a.writtenAt > b.writtenAt ? 1 : 0));
      const deliveriesTotal = parts.reduce((sum, { total }) => sum + known(total), 0);
      return { event: loggedEvent(this.#engine, event), deliveries: deliveries.slice(0, DELIVERIES_LISTED), deliveriesTotal };
    });
    // What a node knew is gone with it.
    const since = Math.max(this.#departed.lastAt() ?? -Infinity, ...asked.parts.map(({ answer }) => known(answer.since)));
    const isKnown = asked.silent.length === 0 && !asked.parts.some(({ answer }) => Number.isNaN(answer.since));
    const complete = isKnown && events.every(({ storedAt }) => storedAt >= since);
    return { ways, ledger: { since: isoTime(since), complete }, ...unansweredOf(asked) };
  }

  /** Another node may have told of what this one has not applied yet: it is about to. */
  async #reach(eventId: string, signal: AbortSignal | undefined): Promise<void> {
    const engine = this.#engine;
    const place = parseEventId(eventId);
    if (place?.epoch !== engine.epoch || place.offset <= engine.routedTo || engine.cluster.others().length === 0) return;
    await this.#stirs.wait(() => engine.routedTo >= place.offset, BEHIND_MS, signal ?? new AbortController().signal);
  }
}
