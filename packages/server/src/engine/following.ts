/**
 * Subscribing: snapshot and stream from the same point, resume from a cursor (design.md, idea 2).
 * Everything here but the reading of the log is synchronous, so nothing is routed between a snapshot and the first event after it.
 */
import { type Epoch, type Offset, parseEventId } from "@broadtape/protocol/event-id";
import type { Filters, TopicResult } from "@broadtape/protocol/native";
import type { LogBounds } from "../log/log.ts";
import { compileFilters } from "./filters.ts";
import { isoTime } from "./clock.ts";
import { type Allowed, type EntitlementHost, allow, tenantsOf } from "./entitlement.ts";
import { Message } from "./message.ts";
import { intervalOf } from "./pace.ts";
import type { TopicKind } from "./product.ts";
import type { Following, Session } from "./session.ts";
import { type Snapshot, type SnapshotHost, lookupOf, newestOf, snapshots } from "./snapshots.ts";
import { type Subscription, type Topics, isPattern } from "./topics.ts";

export interface FollowRequest {
  /** As the client wrote them; answers name them so. */
  readonly topics: readonly string[];
  /** Resumes after this event: what was missed comes first, then the state as of now (contract 70-details "after"). */
  readonly after?: string | undefined;
  /** `after` is what the server kept for the client, which has no values itself: those of conflated topics come in the snapshot alone. */
  readonly isDurable?: boolean | undefined;
  readonly maxUpdatesPerSecond?: number | undefined;
  /** In place of a rate for each key: values of all these topics leave together, at most once in so many milliseconds. */
  readonly windowMs?: number | undefined;
  readonly filters?: Filters | undefined;
  /** In place of `filters`: a surface's own, asked for each message anew. */
  readonly accepts?: ((message: Message) => boolean) | undefined;
  /** False leaves snapshots out. */
  readonly snapshot?: boolean | undefined;
}

export interface Followed {
  readonly results: readonly TopicResult[];
  /** Snapshots are the state after exactly this event. */
  readonly cut: string;
  readonly snapshots: readonly Snapshot[];
  /** Set when `after` could not be resumed: the snapshots stand instead. */
  readonly resync?: { readonly reason: "unknown" | "expired"; readonly topics: readonly string[] } | undefined;
}

export interface FollowingHost extends EntitlementHost, SnapshotHost {
  readonly topics: Topics;
  readonly epoch: Epoch;
  readonly routedTo: Offset;
  bounds(): LogBounds;
  cursorAt(offset: Offset): string;
  catchUp(session: Session): void;
  countResync(): void;
}

/**
 * Follows topics. `done` is called with the answer: at once where there is nothing to replay, else after every missed
 * event was handed over, in order (contract 70-details "after").
 */
export function follow(
  host: FollowingHost,
  session: Session,
  request: FollowRequest,
  maxTopics: number,
  done: (followed: Followed) => void,
): void {
  const { results, added } = subscribeAll(host, session, request, maxTopics);
  const resumed = request.after === undefined ? undefined : resumeAt(host, request.after);
  if (resumed === undefined || "reason" in resumed) {
    const snapshots = request.snapshot === false && resumed === undefined ? [] : snapshotsOf(host, session, added);
    if (resumed !== undefined && added.length > 0) host.countResync();
    const resync = resumed && { reason: resumed.reason, topics: added.map(([written]) => written) };
    done({ results, cut: host.cursorAt(host.routedTo), snapshots, resync });
    return;
  }
  const isBehind = added.some(([, { kind }]) => kind.lossless) && resumed.offset < host.routedTo;
  if (isBehind) rewind(host, session, resumed.offset, added);
  for (const [, { kind, subscription }] of added) {
    if (kind.lossless || request.isDurable !== true) subscription.from = subscription.since = resumed.offset;
  }
  if (request.isDurable !== true) tellNewest(host, session, resumed.offset, added);
  if (isBehind) host.catchUp(session);
  session.whenFlowing(() => {
    // The answer's states hold every value that still waits.
    if (request.snapshot !== false) for (const [, { kind, subscription }] of added) if (!kind.lossless) subscription.from = host.routedTo;
    const snapshots = request.snapshot === false ? [] : snapshotsOf(host, session, added);
    done({ results, cut: host.cursorAt(host.routedTo), snapshots });
  });
}

/** Tells one session the newest values of conflated topics, as events in log order, where they are newer than what it has. */
function tellNewest(host: FollowingHost, session: Session, after: Offset, added: Added): void {
  const { tenant } = session.identity;
  const newest = added.flatMap(([, { kind, param, subscription }]) => {
    if (kind.lossless || kind.newestType === undefined) return [];
    const followed = { kind, subscription, event: kind.newestType };
    return newestOf(host, tenant, { kind, param, name: subscription.name }).map((each) => ({ ...followed, ...each }));
  });
  const newer = newest.filter(({ entry }) => entry.offset > after).sort((a, b) => a.entry.offset - b.entry.offset);
  for (const { kind, subscription, event, topic, entity, entry } of newer) {
    const message = new Message({
      tenant,
      topic,
      event,
      data: kind.render(entry.state, host.clock.now(), lookupOf(host, tenant)),
      offset: entry.offset,
      batch: entry.offset,
      eventId: host.eventIdOf(entry.offset, entry.storedAt),
      time: isoTime(entry.storedAt),
      correlationId: "",
      key: entity,
      receivedAt: 0,
      storedAt: 0,
    });
    session.outbox.tellNewest(subscription, message, entity);
  }
}

/** Where a cursor stands in the log as it is now. */
export function resumeAt(
  host: Pick<FollowingHost, "epoch" | "routedTo" | "bounds">,
  after: string,
): { offset: Offset } | { reason: "unknown" | "expired" } {
  const cursor = parseEventId(after);
  if (cursor?.epoch !== host.epoch || cursor.offset > host.routedTo) return { reason: "unknown" };
  return cursor.offset + 1 < host.bounds().oldest ? { reason: "expired" } : { offset: cursor.offset };
}

export function unfollow(topics: Topics, session: Session, name: string): boolean {
  const following = session.following.get(name);
  if (following === undefined) return false;
  session.following.delete(name);
  topics.unfollow(following.subscription);
  return true;
}

/** Changes the rate of a running subscription; false when the session does not follow the topic. */
export function setRate(host: EntitlementHost, session: Session, topic: string, maxUpdatesPerSecond: number | undefined): boolean {
  const allowed = allow(host, session.identity, topic);
  const subscription = typeof allowed === "string" ? undefined : session.following.get(allowed.name)?.subscription;
  if (subscription === undefined) return false;
  subscription.minIntervalMs = intervalOf(maxUpdatesPerSecond);
  session.outbox.repace(subscription);
  return true;
}

/** Ends what the session's identity may no longer follow; returns the names. */
export function revokeForbidden(host: FollowingHost, session: Session): string[] {
  const ended = [...session.following.keys()].filter((name) => typeof allow(host, session.identity, name) === "string");
  for (const name of ended) unfollow(host.topics, session, name);
  return ended;
}

type Added = readonly (readonly [written: string, following: Following])[];

function subscribeAll(host: FollowingHost, session: Session, request: FollowRequest, maxTopics: number) {
  const results: TopicResult[] = [];
  const added: [string, Following][] = [];
  // Filters are checked against every topic before any is followed: a refused request changes nothing.
  const allowed = request.topics.map((topic) => ({ topic, allowed: allow(host, session.identity, topic) }));
  const filterOf = (kind: TopicKind) => request.accepts ?? filterFor(kind, request.filters);
  for (const each of allowed) if (typeof each.allowed !== "string") filterOf(each.allowed.kind);
  const window = request.windowMs === undefined ? undefined : { sentAt: -Infinity };
  for (const { topic, allowed: target } of allowed) {
    if (typeof target === "string") {
      results.push({ topic, ok: false, code: target });
    } else if (!session.following.has(target.name) && session.following.size >= maxTopics) {
      session.noteLimit({ code: "LIMIT_REACHED", message: `a connection follows at most ${maxTopics} topics` });
      results.push({ topic, ok: false, code: "LIMIT_REACHED" });
    } else {
      unfollow(host.topics, session, target.name);
      added.push([topic, subscribe(host, session, target, request, filterOf(target.kind), window)]);
      results.push({ topic, ok: true });
    }
  }
  return { results, added };
}

function filterFor(kind: TopicKind, filters: Filters | undefined): Subscription["filter"] {
  if (filters === undefined) return undefined;
  return kind.filter === undefined ? compileFilters(filters, kind.filterable ?? []) : kind.filter(filters);
}

function subscribe(
  host: FollowingHost,
  session: Session,
  target: Allowed,
  request: FollowRequest,
  filter: Subscription["filter"],
  window: Subscription["window"],
): Following {
  const { maxUpdatesPerSecond: rate, windowMs } = request;
  const subscription: Subscription = {
    session,
    name: target.name,
    from: host.routedTo,
    since: host.routedTo,
    minIntervalMs: windowMs ?? intervalOf(rate),
    window,
    filter,
    sentAt: new Map(),
    places: new Map(),
  };
  const tenants = tenantsOf(host, session.identity.tenant, target.kind);
  for (const tenant of tenants) {
    if (isPattern(target.name)) host.topics.followPattern(tenant, target.name, subscription);
    else host.topics.follow(tenant, target.name, subscription);
  }
  const following = { kind: target.kind, param: target.param, subscription };
  session.following.set(target.name, following);
  return following;
}

function snapshotsOf(host: FollowingHost, session: Session, added: Added): Snapshot[] {
  return added.flatMap(([, { kind, param, subscription }]) =>
    snapshots(host, session.identity.tenant, { kind, param, name: subscription.name }),
  );
}

/**
 * Moves the lossless lane back to `offset` for the added topics. What else the session follows has had everything up to
 * where the lane stands, and is not told it again.
 */
function rewind(host: FollowingHost, session: Session, offset: Offset, added: Added): void {
  const stands = session.outbox.sentTo;
  const isNew = new Set(added.map(([, { subscription }]) => subscription));
  const reached = session.outbox.flowing ? host.routedTo : stands;
  for (const { subscription } of session.following.values()) {
    if (!isNew.has(subscription)) subscription.from = Math.max(subscription.from, reached);
  }
  session.outbox.rewind(session.outbox.flowing ? offset : Math.min(offset, stands));
}
