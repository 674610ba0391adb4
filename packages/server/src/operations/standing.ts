/** How the node's connections stand now; one walk over them. */
import type { Engine } from "../engine/engine.ts";
import type { Session } from "../engine/session.ts";

export interface Standing {
  readonly pausedConnections: number;
  readonly queuedBytes: number;
  readonly heldValues: number;
}

export function standingOf(sessions: Iterable<Session>): Standing {
  let pausedConnections = 0;
  let queuedBytes = 0;
  let heldValues = 0;
  for (const { outbox } of sessions) {
    if (!outbox.flowing) pausedConnections += 1;
    queuedBytes += outbox.queuedBytes;
    heldValues += outbox.heldCount;
  }
  return { pausedConnections, queuedBytes, heldValues };
}

/** Connections of a tenant that do not keep up, the longest first. */
export function slowOf({ sessions, clock }: Pick<Engine, "sessions" | "clock">, tenant: string, limit: number) {
  const now = clock.monotonic();
  const slow = [...sessions.values()].filter(({ identity, outbox }) => {
    return identity.tenant === tenant && (outbox.stuckSince !== undefined || !outbox.flowing);
  });
  const since = ({ outbox }: Session) => Math.min(outbox.stuckSince ?? now, outbox.awaitsAcksSince ?? now);
  slow.sort((a, b) => since(a) - since(b));
  return slow.slice(0, limit).map(({ id, identity, surface, outbox: { queuedBytes, flowing, stuckSince, awaitsAcksSince } }) => ({
    connectionId: id,
    userId: identity.userId,
    surface: surface.name,
    queuedBytes,
    paused: !flowing,
    stuckMs: stuckSince === undefined ? null : Math.round(now - stuckSince),
    awaitsAcksMs: awaitsAcksSince === undefined ? null : Math.round(now - awaitsAcksSince),
  }));
}
