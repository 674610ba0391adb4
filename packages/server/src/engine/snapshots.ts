/** The state of topics as of now, out of the views: the newer of what the own tenant has and, for shared kinds, the public one. */
import type { Offset } from "@broadtape/protocol/event-id";
import type { Clock } from "./clock.ts";
import { type Allowed, tenantsOf } from "./entitlement.ts";
import { withEventId } from "./message.ts";
import type { Entry, Lookup, States, TopicKind } from "./product.ts";
import { isPattern, matchesPattern } from "./topics.ts";

export interface Snapshot {
  readonly topic: string;
  /** JSON text of an object with its own `eventId`; `null` where nothing is known. */
  readonly state: string;
}

export interface SnapshotHost {
  readonly views: States;
  readonly publicTenant: string;
  readonly clock: Clock;
  eventIdOf(offset: Offset, storedAt: number): string;
}

/** States of the views, of several tenants. */
type StatesHost = Pick<SnapshotHost, "views" | "publicTenant">;

/** State of a topic (of every matching one for a pattern) as of now, in the tenant and, for shared kinds, the public one. */
export function snapshots(host: SnapshotHost, tenant: string, allowed: Allowed): Snapshot[] {
  const newest = newestOf(host, tenant, allowed);
  if (newest.length === 0 && !isPattern(allowed.name)) return [{ topic: allowed.name, state: "null" }];
  return newest.map(({ topic, entry }) => ({ topic, state: render(host, tenant, allowed.kind, entry) }));
}

interface Newest {
  readonly topic: string;
  readonly entity: string;
  readonly entry: Entry<unknown>;
}

/** The newest that is known of a topic, or of every topic that a pattern matches. */
export function newestOf(host: StatesHost, tenant: string, { kind, param, name }: Allowed): Newest[] {
  const tenants = tenantsOf(host, tenant, kind);
  if (!isPattern(name)) {
    const entity = kind.entity(param);
    const entry = newestEntry(tenants.map((each) => host.views.entry(kind.view, each, entity)));
    return entry === undefined ? [] : [{ topic: name, entity, entry }];
  }
  const byTopic = new Map<string, Newest>();
  for (const each of tenants) {
    for (const [entity, entry] of host.views.entities(kind.view, each)) {
      const topic = `${kind.kind}:${entity}`;
      const other = byTopic.get(topic);
      if (matchesPattern(name, topic) && (other === undefined || other.entry.offset < entry.offset))
        byTopic.set(topic, { topic, entity, entry });
    }
  }
  return [...byTopic.values()];
}

function newestEntry(entries: readonly (Entry<unknown> | undefined)[]): Entry<unknown> | undefined {
  let newest: Entry<unknown> | undefined;
  for (const entry of entries) if (entry !== undefined && (newest === undefined || entry.offset > newest.offset)) newest = entry;
  return newest;
}

/** What readers of a tenant may look up: its own entities and the public tenant's, the newer of both. */
export function lookupOf({ views, publicTenant }: StatesHost, tenant: string): Lookup {
  return {
    newest(view, entity) {
      const own = views.entry(view, tenant, entity);
      const common = tenant === publicTenant ? undefined : views.entry(view, publicTenant, entity);
      return common === undefined || (own !== undefined && own.offset > common.offset) ? own : common;
    },
  };
}

function render(host: SnapshotHost, tenant: string, kind: TopicKind, entry: Entry<unknown>): string {
  const state = kind.render(entry.state, host.clock.now(), lookupOf(host, tenant));
  return withEventId(state, host.eventIdOf(entry.offset, entry.storedAt));
}
