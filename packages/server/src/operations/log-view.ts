/** The log as operators read it: events with their topics, filters over them, and looking for one backwards. */
import type { Offset } from "@broadtape/protocol/event-id";
import type { StoredEvent } from "@broadtape/protocol/event";
import { parseJson } from "@broadtape/protocol/json";
import type { LoggedEvent } from "@broadtape/protocol/operations";
import { redact } from "@broadtape/protocol/redact";
import { isoTime } from "../engine/clock.ts";
import type { Engine } from "../engine/engine.ts";
import { domainEvent } from "../engine/history.ts";

export interface LogFilter {
  /** A type, or the beginning of some: `trading.*`. */
  readonly type?: string | undefined;
  /** Whoever published it, or whose it is: the last part of one of its topics. */
  readonly user?: string | undefined;
  readonly topic?: string | undefined;
  readonly correlationId?: string | undefined;
}

export type LogHost = Pick<Engine, "log" | "productOf" | "eventIdOf" | "routedTo" | "bounds">;

const PAGE_EVENTS = 500;
/** Events of one step of looking back. */
const STEP_EVENTS = 5000;
const STEPS = 20;

export function loggedEvent(host: LogHost, event: StoredEvent): LoggedEvent {
  const { offset, batch, type, source, id, subject, time, storedAt, correlationId } = event;
  return {
    eventId: host.eventIdOf(offset, storedAt),
    offset,
    batch,
    type,
    source,
    id,
    subject: subject ?? null,
    time,
    storedAt: isoTime(storedAt),
    correlationId,
    topics: [...topicsOf(host, event)],
    data: redact(parseJson(event.data)),
  };
}

export function matches(host: LogHost, filter: LogFilter, event: StoredEvent): boolean {
  const { type, user, topic, correlationId } = filter;
  if (correlationId !== undefined && event.correlationId !== correlationId) return false;
  if (type !== undefined && !(type.endsWith("*") ? event.type.startsWith(type.slice(0, -1)) : event.type === type)) return false;
  if (topic !== undefined && !topicsOf(host, event).includes(topic)) return false;
  return user === undefined || event.source === user || topicsOf(host, event).some((each) => each.slice(each.indexOf(":") + 1) === user);
}

export interface Found {
  readonly events: readonly StoredEvent[];
  /** Looked through up to here. */
  readonly upTo: Offset;
  /** Whether that was all there is. */
  readonly complete: boolean;
}

/** Up to `limit` matching events after an offset, oldest first; looks through a bounded part of the log at once. */
export async function readForward(host: LogHost, tenant: string, filter: LogFilter, after: Offset, limit: number): Promise<Found> {
  const topics = filter.topic === undefined ? undefined : [filter.topic];
  const events: StoredEvent[] = [];
  let upTo = after;
  for (let step = 0; step < STEPS; step++) {
    const page = await host.log.read({ after: upTo, until: Math.max(upTo, host.routedTo), limit: PAGE_EVENTS, tenant, topics });
    for (const event of page.events) {
      if (!matches(host, filter, event)) continue;
      events.push(event);
      if (events.length === limit) return { events, upTo: event.offset, complete: false };
    }
    upTo = page.upTo;
    if (page.complete) return { events, upTo, complete: true };
  }
  return { events, upTo, complete: false };
}

export interface FoundBack {
  /** Oldest first. */
  readonly events: readonly StoredEvent[];
  /** All from here on were looked through. */
  readonly from: Offset;
  readonly complete: boolean;
}

/** The newest matching events up to and including an offset; looks through a bounded part of the log. */
export async function readBack(host: LogHost, tenant: string, filter: LogFilter, until: Offset, limit: number): Promise<FoundBack> {
  let events: StoredEvent[] = [];
  let high = until;
  for (let step = 0; step < STEPS; step++) {
    const least = host.bounds().oldest - 1;
    if (high <= least) return { events, from: high + 1, complete: true };
    const low = Math.max(least, high - STEP_EVENTS);
    const found = await readRange(host, tenant, filter, low, high);
    events = [...found, ...events];
    const first = events.at(-limit);
    if (first !== undefined) return { events: events.slice(-limit), from: first.offset, complete: events.length === limit && low <= least };
    high = low;
  }
  return { events, from: high + 1, complete: high < host.bounds().oldest };
}

async function readRange(host: LogHost, tenant: string, filter: LogFilter, low: Offset, high: Offset): Promise<StoredEvent[]> {
  const topics = filter.topic === undefined ? undefined : [filter.topic];
  const events: StoredEvent[] = [];
  for (let upTo = Math.max(low, host.bounds().oldest - 1); upTo < high;) {
    const page = await host.log.read({ after: upTo, until: high, limit: PAGE_EVENTS, tenant, topics });
    for (const event of page.events) if (matches(host, filter, event)) events.push(event);
    if (page.complete || page.upTo <= upTo) break;
    upTo = page.upTo;
  }
  return events;
}

/** Each event is parsed for its topics once, however many readers ask. */
const known = new WeakMap<StoredEvent, readonly string[]>();

function topicsOf(host: LogHost, event: StoredEvent): readonly string[] {
  let topics = known.get(event);
  if (topics === undefined) known.set(event, (topics = host.productOf(event.type)?.topicsOf(domainEvent(event)) ?? []));
  return topics;
}
