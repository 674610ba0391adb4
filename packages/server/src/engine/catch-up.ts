/**
 * Brings a session's lossless lane from its place in the log to the live stream: out of the ring, or out of the log where
 * the ring does not reach back so far. A page at a time, as the connection drains; whole publish batches only.
 */
import type { Offset } from "@broadtape/protocol/event-id";
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Log } from "../log/log.ts";
import type { Clock } from "./clock.ts";
import type { Message } from "./message.ts";
import type { Meter } from "./meter.ts";
import type { Ring } from "./ring.ts";
import type { Session } from "./session.ts";
import type { Subscription } from "./topics.ts";

/** Bytes of messages handed over before the connection is asked whether it drained. */
const CHUNK_BYTES = 256 * 1024;
const PAGE_EVENTS = 500;

export interface CatchUpHost {
  readonly log: Log;
  readonly ring: Ring;
  readonly routedTo: Offset;
  readonly clock: Clock;
  /** What lossless followers were told of a stored event. */
  messagesOf(event: StoredEvent): readonly Message[];
  readonly meter: Meter;
}

/**
 * Returns when the lane flows, the session is gone, or the connection or the ack window is full (then it is called again). Runs
 * once a session; at once after its last look at either another may begin, lest an ack between the two be heard by neither.
 */
export async function catchUp(host: CatchUpHost, session: Session): Promise<void> {
  if (session.isCatchingUp) return;
  session.isCatchingUp = true;
  try {
    const { outbox } = session;
    // How far behind it is, a connection hears once a run.
    let isTold = false;
    while (isWanted(session)) {
      outbox.flush();
      if (!outbox.idle) return;
      const position = outbox.sentTo;
      if (host.ring.covers(position)) {
        const behind = sendFromRing(host, session, position);
        outbox.flush();
        // Goes on when acks come.
        if (behind === "full") return;
        if (behind === undefined) {
          session.flow();
          sayCaughtUp(session);
          outbox.flush();
          // Unless what waited for this has moved the lane back again.
          isTold = false;
          continue;
        }
        isTold ||= sayLagging(host, session, behind);
        continue;
      }
      const topics = losslessTopics(session);
      const page = await readPage(host, session, position, topics);
      // While the page was read, an older `after` may have moved the lane, or topics may have been added that the page leaves out.
      if (!isWanted(session) || outbox.sentTo !== position || !isSame(topics, losslessTopics(session))) continue;
      if (page === "expired") {
        session.onExpired?.(position);
        return;
      }
      isTold ||= sayLagging(host, session, page.events[0]?.storedAt);
      const isFull = page.events.some((event) => send(host, session, host.messagesOf(event)) === "full");
      outbox.flush();
      if (isFull) return;
      outbox.advance(page.upTo);
    }
  } finally {
    session.isCatchingUp = false;
  }
}

/** Asked anew after every wait: the session may be gone, or its lane may flow again. */
function isWanted(session: Session): boolean {
  return !session.isClosed && !session.outbox.flowing;
}

/**
 * Sends whole batches until a chunk is full; returns when the next one was stored, or undefined when there is none; "full"
 * where events have to wait for acks, even in the middle of a batch.
 */
function sendFromRing(host: CatchUpHost, session: Session, position: Offset): number | "full" | undefined {
  let bytes = 0;
  for (const step of host.ring.after(position)) {
    if (bytes >= CHUNK_BYTES) return step.storedAt;
    const sent = send(host, session, step.messages, position);
    if (sent === "full") return sent;
    bytes += sent;
    session.outbox.advance(step.upTo);
  }
  session.outbox.advance(host.routedTo);
  return undefined;
}

/** Bytes that were sent of what stands after `position`; "full" where one has to wait for acks. */
function send(host: CatchUpHost, session: Session, messages: readonly Message[], position = 0): number | "full" {
  let bytes = 0;
  for (const [index, message] of messages.entries()) {
    const subscription = subscriptionOf(session, message);
    if (subscription === undefined || message.offset <= Math.max(subscription.from, position)) continue;
    if (session.outbox.delivery?.isDone(message.offset) === true) continue;
    if (!session.outbox.takes(message.offset)) {
      session.outbox.awaitAcks(message.offset);
      return "full";
    }
    if (session.surface.isOneFeed === true && wasToldElsewhere(session, messages, index)) continue;
    if (!session.outbox.replay(message)) continue;
    bytes += message.size;
    host.meter.replayed += 1;
  }
  return bytes;
}

/** What this session follows the message by. */
function subscriptionOf({ identity, following }: Session, message: Message): Subscription | undefined {
  if (message.tenant !== identity.tenant) return undefined;
  const subscription = following.get(message.topic)?.subscription;
  return subscription?.filter?.(message) === false ? undefined : subscription;
}

/** Whether the session had the same event on another of its topics before the lane was moved back for this one. */
function wasToldElsewhere(session: Session, messages: readonly Message[], index: number): boolean {
  const isOther = (at: number) => {
    const other = messages[at];
    if (other === undefined || other.offset !== messages[index]?.offset) return undefined;
    const isSame = other.event === messages[index].event && session.surface.tells?.(other) !== false;
    const subscription = isSame ? subscriptionOf(session, other) : undefined;
    return subscription !== undefined && subscription.since < other.offset && other.offset <= subscription.from;
  };
  // The messages of one event stand together.
  for (const step of [-1, 1]) {
    for (let at = index + step, told = isOther(at); told !== undefined; at += step, told = isOther(at)) if (told) return true;
  }
  return false;
}

function losslessTopics({ following }: Session): string[] {
  return [...following].filter(([, { kind }]) => kind.lossless).map(([name]) => name);
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((each, index) => each === others[index]);
}

/** Up to what was routed when it is asked for: what is durable and not routed yet is told live. */
async function readPage(host: CatchUpHost, session: Session, after: Offset, topics: readonly string[]) {
  try {
    return await host.log.read({ after, until: host.routedTo, limit: PAGE_EVENTS, tenant: session.identity.tenant, topics });
  } catch (error) {
    if (error instanceof RangeError) return "expired";
    throw error;
  }
}

/** Tells how far behind the connection is; true when it did. */
function sayLagging(host: CatchUpHost, session: Session, storedAt: number | undefined): boolean {
  if (storedAt === undefined) return false;
  // Who waits for its own acks knows.
  if (session.outbox.delivery !== undefined) return false;
  const words = session.surface.lagging?.("lossless", Math.max(0, host.clock.now() - storedAt));
  if (words === undefined) return false;
  session.say(words);
  session.isLagging = true;
  return true;
}

function sayCaughtUp(session: Session): void {
  if (!session.isLagging) return;
  session.isLagging = false;
  const words = session.surface.caughtUp?.();
  if (words !== undefined) session.say(words);
}
