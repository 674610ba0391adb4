/** A client that named itself, as it stands, and as the registry keeps it; part of `subscribers.ts`. */
import { type Offset, ledgerId } from "@broadtape/protocol/event-id";
import { type KeptPending, type KeptSubscription, type SubscriptionKey, isHidden } from "../registry/subscriptions.ts";
import type { DeliveryState } from "./delivery.ts";
import type { Meter } from "./meter.ts";
import type { Session } from "./session.ts";

/** What a client wants, in words that the engine does not know. `filters` is JSON text. */
export interface Wants {
  readonly events: readonly string[];
  readonly filters: string;
}

/** A client that named itself, while it is connected or not yet written down. */
export interface Subscriber extends SubscriptionKey {
  readonly id: string;
  readonly subscribedAt: number;
  wants: Wants;
  /** When that last changed. */
  updatedAt: number;
  unsubscribedAt: number | undefined;
  /** Its one live connection. */
  session: Session | undefined;
  connectionId: string | undefined;
  /** The session follows what the client wants: from here on the client's place is the session's. */
  isFollowing: boolean;
  /** Where it was when the session began, or ended. */
  state: DeliveryState;
  /** Mark of the log's life in which that place is one. */
  epoch: number;
  /** Called when somebody else changed what it wants; the live session is told so. */
  onChanged: ((wants: Wants) => void) | undefined;
}

/** When an event that is not acknowledged counts as late; nothing is dropped. */
const LATE_MS = 60_000;

/** What is known only where the client is. */
interface Here {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly routedTo: Offset;
  readonly epoch: number;
  readonly newId: () => string;
}

/** One that has just come. */
export function subscriberOf(
  { tenant, userId, clientId }: SubscriptionKey,
  stored: KeptSubscription | undefined,
  { now, routedTo, epoch, newId }: Here,
): Subscriber {
  const row = stored === undefined || isHidden(stored) ? undefined : stored;
  const attempts = new Map(row?.pending.map((pending) => [pending.offset, pending.attempts]));
  const acked = { upTo: row?.ackedOffset ?? routedTo, gaps: row?.pending.map(({ offset }) => offset) ?? [] };
  return {
    id: row?.id ?? newId(),
    tenant,
    userId,
    clientId,
    subscribedAt: row?.subscribedAt ?? now,
    updatedAt: row?.updatedAt ?? now,
    unsubscribedAt: row?.unsubscribedAt,
    wants: { events: row?.events ?? [], filters: row?.filters ?? "{}" },
    session: undefined,
    connectionId: row?.connectionId,
    isFollowing: false,
    state: { acked, attempts },
    epoch: row?.epoch ?? epoch,
    onChanged: undefined,
  };
}

/** What the log is now, by which a place is one. */
interface LogNow {
  readonly routedTo: Offset;
  readonly epoch: number;
  readonly meter: Pick<Meter, "pendingLost">;
  bounds(): { readonly oldest: Offset };
}

/**
 * Where the client goes on. Pending ends with retention, and a place in another life of the log is none; what it was stays its place
 * until its session follows: a client that is gone before it was told is told the next time.
 */
export function reviewPlace(
  subscriber: Subscriber,
  host: LogNow,
): { readonly place: DeliveryState; readonly lost: "unknown" | "expired" | undefined } {
  const { routedTo, epoch, meter } = host;
  const { oldest } = host.bounds();
  const { acked, attempts } = subscriber.state;
  const isKnown = subscriber.epoch === epoch && acked.upTo <= routedTo;
  if (!isKnown || acked.upTo + 1 < oldest) {
    meter.pendingLost += acked.gaps.length;
    return { place: { acked: { upTo: routedTo, gaps: [] }, attempts: new Map() }, lost: isKnown ? "expired" : "unknown" };
  }
  const gaps = acked.gaps.filter((gap) => gap >= oldest);
  meter.pendingLost += acked.gaps.length - gaps.length;
  subscriber.state = { acked: { upTo: acked.upTo, gaps }, attempts };
  return { place: subscriber.state, lost: undefined };
}

/** As it is kept. `held`: by whom, where there are several nodes. */
export function rowOf(
  subscriber: Subscriber,
  here: Pick<Here, "now" | "epoch">,
  held: Pick<KeptSubscription, "generation" | "node">,
): KeptSubscription {
  const { now } = here;
  const epoch = epochOf(subscriber, here.epoch);
  const { id, tenant, userId, clientId, connectionId, wants, subscribedAt, updatedAt, unsubscribedAt } = subscriber;
  const { acked, attempts } = stateOf(subscriber);
  const flights = new Map([...(subscriber.session?.outbox.delivery?.flights() ?? [])].map((flight) => [flight.message.offset, flight]));
  const pending = acked.gaps.map((offset): KeptPending => {
    const flight = flights.get(offset);
    const sentAt = flight?.sentAt ?? now;
    return {
      offset,
      eventId: ledgerId(epoch, offset),
      // What was sent on a connection before stands in the log.
      eventType: flight?.message.event ?? "",
      eventData: flight?.message.data ?? "{}",
      sentAt,
      attempts: attempts.get(offset) ?? 1,
      expiresAt: sentAt + LATE_MS,
    };
  });
  const place = { ackedOffset: acked.upTo, epoch, pending };
  return { id, tenant, userId, clientId, connectionId, ...wants, ...place, subscribedAt, updatedAt, unsubscribedAt, ...held };
}

/** In which life of the log {@link stateOf} is a place; `here`: the one in which sessions go on. */
export function epochOf({ session, isFollowing, epoch }: Subscriber, here: number): number {
  return session !== undefined && isFollowing ? here : epoch;
}

/** Where the client stands now. */
export function stateOf({ session, isFollowing, state }: Subscriber): DeliveryState {
  if (session === undefined || !isFollowing) return state;
  const { delivery } = session.outbox;
  // Without acks the position moves as events are written.
  if (delivery === undefined) return { acked: { upTo: session.outbox.sentTo, gaps: [] }, attempts: new Map() };
  delivery.position.passed(session.outbox.sentTo);
  return delivery.state();
}

/** Another number whenever the client's place moved by something of its own. */
export function versionOf({ session }: Subscriber): number {
  return session === undefined ? -1 : (session.outbox.delivery?.version ?? session.outbox.lastSentAt);
}
