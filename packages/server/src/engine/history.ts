/** Reading the past: pages of a topic's events, and its state at a past point (contract 60-native "History"). */
import { type Epoch, type Offset } from "@broadtape/protocol/event-id";
import { parseJson } from "@broadtape/protocol/json";
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Log } from "../log/log.ts";
import { type Allowed, tenantsOf } from "./entitlement.ts";
import type { DomainEvent, Entry, Product } from "./product.ts";

export interface HistoryHost {
  readonly log: Log;
  readonly epoch: Epoch;
  readonly publicTenant: string;
  productOf(type: string): Product | undefined;
}

const PAGE_EVENTS = 1000;

/** A stored event as folds read it. Its data passed its schema when it was stored. */
export function domainEvent(event: StoredEvent): DomainEvent {
  return {
    type: event.type,
    data: parseJson(event.data),
    text: event.data,
    tenant: event.tenant,
    offset: event.offset,
    storedAt: event.storedAt,
    time: event.time,
  };
}

/** Up to `limit` events of a topic after an offset, oldest first; `complete` when there is no more up to `until`. */
export async function pageOf(host: HistoryHost, tenant: string, topic: Allowed, range: { after: Offset; until: Offset; limit: number }) {
  const pages = await Promise.all(
    tenantsOf(host, tenant, topic.kind).map((each) => host.log.read({ ...range, tenant: each, topics: [topic.name] })),
  );
  // Only up to where every tenant's page is whole may they be merged.
  const upTo = Math.min(...pages.map((page) => page.upTo));
  const events = pages.flatMap((page) => page.events).filter((event) => event.offset <= upTo);
  events.sort((a, b) => a.offset - b.offset);
  return { events, upTo, complete: pages.every((page) => page.complete) };
}

/**
 * The state of a topic after the newest of its events at or before `at`: folded from the log, off the live views. `expired`
 * for a time of which the log has forgotten everything; of an entity whose first events it has forgotten, what is left counts.
 */
export async function stateAt(
  host: HistoryHost,
  tenant: string,
  topic: Allowed,
  at: { offset: Offset } | { time: number },
): Promise<Entry<unknown> | "expired" | undefined> {
  const { head, oldest } = host.log.bounds();
  if ("time" in at && oldest > 1) {
    const { events } = await host.log.read({ after: oldest - 1, limit: 1 });
    const [first] = events;
    if (first === undefined || first.storedAt > at.time) return "expired";
  }
  const until = "offset" in at ? Math.min(at.offset, head) : head;
  const entries = new Map<string, Entry<unknown>>();
  for (let after = oldest - 1, complete = false; !complete;) {
    const page = await pageOf(host, tenant, topic, { after, until, limit: PAGE_EVENTS });
    for (const event of page.events) {
      if ("time" in at && event.storedAt > at.time) return newest(entries);
      foldInto(entries, topic, host.productOf(event.type), domainEvent(event));
    }
    complete = page.complete || page.upTo <= after;
    after = page.upTo;
  }
  return newest(entries);
}

function foldInto(entries: Map<string, Entry<unknown>>, { kind, param }: Allowed, product: Product | undefined, event: DomainEvent): void {
  const { view } = kind;
  if (product?.views.includes(view) !== true || view.entityOf(event) !== kind.entity(param)) return;
  const before = entries.get(event.tenant)?.state;
  const state = view.fold(before, event);
  if (state === undefined) entries.delete(event.tenant);
  else if (state !== before) entries.set(event.tenant, { state, offset: event.offset, storedAt: event.storedAt });
}

function newest(entries: ReadonlyMap<string, Entry<unknown>>): Entry<unknown> | undefined {
  return [...entries.values()].reduce<Entry<unknown> | undefined>(
    (best, entry) => (best === undefined || entry.offset > best.offset ? entry : best),
    undefined,
  );
}
