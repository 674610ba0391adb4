/** A node's connections, as their users and operators see them, a page at a time. */
import { Refusal } from "@broadtape/protocol/errors";
import type { ConnectionState } from "@broadtape/protocol/rest";
import { isoTime } from "../engine/clock.ts";
import { connectionStatus, wasActiveAt } from "../engine/connection-book.ts";
import type { Engine } from "../engine/engine.ts";
import type { Session } from "../engine/session.ts";

/** Where a connection stands in the list: in the order in which they were opened, which ids settle where the clock does not. */
export interface Place {
  readonly since: number;
  readonly id: string;
}

/** Whose connections: a user's own, or with null all of the tenant. */
export interface Whose {
  readonly tenant: string;
  readonly userId: string | null;
}

export interface ConnectionsQuery extends Whose {
  readonly after: Place | null;
  readonly limit: number;
}

export interface ListedConnection extends Place {
  readonly state: ConnectionState;
}

export interface ConnectionsPart {
  readonly page: readonly ListedConnection[];
  readonly hasMore: boolean;
}

type Host = Pick<Engine, "sessions" | "clock">;

export function connectionsOf({ sessions, clock }: Host, { tenant, userId, after, limit }: ConnectionsQuery): ConnectionsPart {
  const all =
    userId === null ? [...sessions.values()].filter(({ identity }) => identity.tenant === tenant) : sessions.ofUser({ tenant, userId });
  const rest = after === null ? [...all] : all.filter((session) => inOrder(session, after) > 0);
  rest.sort(inOrder);
  const page = rest.slice(0, limit).map((session) => ({
    since: session.since,
    id: session.id,
    state: { ...stateOf(session, clock), ...(userId === null && loadOf(session)) },
  }));
  return { page, hasMore: rest.length > page.length };
}

export function inOrder(a: Place, b: Place): number {
  return a.since - b.since || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** Ends a connection of theirs; undefined where there is none, else whose it was. */
export function endConnection({ sessions }: Host, { tenant, userId, id, by }: Whose & { readonly id: string; readonly by: string }) {
  const session = sessions.get(id);
  if (session?.identity.tenant !== tenant || (userId !== null && session.identity.userId !== userId)) return null;
  const owner = session.identity.userId;
  // Coming back by itself is not what whoever ended it wants.
  session.close(new Refusal("FORBIDDEN", `the connection was ended by ${owner === by ? "its user" : "an operator"}`), false);
  return { userId: owner };
}

function stateOf(session: Session, clock: Engine["clock"]): ConnectionState {
  return {
    id: session.id,
    userId: session.identity.userId,
    clientId: session.peer.clientId ?? null,
    surface: session.surface.name,
    connectedAt: isoTime(session.since),
    lastActivity: isoTime(wasActiveAt(session, clock)),
    ipAddress: session.peer.address,
    userAgent: session.peer.userAgent ?? null,
    status: connectionStatus(session, clock),
  };
}

/** What operators see besides. */
function loadOf({ outbox, following }: Session) {
  const { queuedBytes, delivery, heldCount: heldValues, conflated, flowing } = outbox;
  return { queuedBytes, unacked: delivery?.position.inFlight ?? 0, heldValues, conflated, paused: !flowing, topics: following.size };
}
