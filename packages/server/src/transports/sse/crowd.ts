/** As many connections of a user to streams as there may be, on all nodes (contract 50-sse "Behaviour"). */
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import type { Engine } from "../../engine/engine.ts";
import type { Surface } from "../../engine/message.ts";
import type { Session } from "../../engine/session.ts";
import type { ConnectionLog } from "../gate.ts";

type Crowd = NonNullable<Surface["crowd"]>;

/** Whose connections, of which crowd. */
interface Group {
  readonly crowd: Crowd;
  readonly tenant: string;
  readonly userId: string;
}

/** One of them, at any node. */
interface Member {
  readonly sessionId: string;
  readonly since: number;
}

/** Answers what other nodes ask of this one's connections. */
export function answerForCrowds(engine: Engine, log: ConnectionLog): void {
  // What another node of this release wrote.
  engine.cluster.onAsked("crowd", (body) => JSON.stringify(membersOf(engine, JSON.parse(body) as Group).map(memberOf)));
  engine.cluster.onAsked("crowd-leave", (body) => {
    const { group, sessionIds } = JSON.parse(body) as { group: Group; sessionIds: readonly string[] };
    for (const session of membersOf(engine, group)) if (sessionIds.includes(session.id)) dismiss(log, group.crowd, session);
    return "";
  });
}

/** The oldest connections of the crowd make room for a new one, and are told so: tabs that come back by themselves would evict each other for ever. */
export function makeRoom(engine: Engine, log: ConnectionLog, { crowd }: Surface, identity: Identity): void {
  if (crowd === undefined || identity.isAnonymous === true) return;
  const { tenant, userId } = identity;
  const own = membersOf(engine, { crowd, tenant, userId });
  for (const session of own.slice(0, Math.max(0, own.length - crowd.most + 1))) dismiss(log, crowd, session);
}

/**
 * The oldest on all nodes, once this one is open: of two that come at the same time, the later to ask sees both.
 *
 * @param ofUser how many its user had, which is most often too few to ask anybody.
 */
export async function makeRoomEverywhere(engine: Engine, log: ConnectionLog, session: Session, ofUser = 0): Promise<void> {
  const { crowd } = session.surface;
  const { tenant, userId, isAnonymous } = session.identity;
  if (crowd === undefined || isAnonymous === true || ofUser < crowd.most || engine.cluster.others().length === 0) return;
  const group = { crowd, tenant, userId };
  const answers = await engine.cluster.ask("crowd", JSON.stringify(group));
  const elsewhere = answers.flatMap(({ from, body }) => (JSON.parse(body) as Member[]).map((member) => ({ ...member, node: from.id })));
  const here = membersOf(engine, group).map((own) => ({ ...memberOf(own), node: engine.cluster.self.id }));
  const all = [...here, ...elsewhere].sort((a, b) => a.since - b.since || (a.sessionId < b.sessionId ? -1 : 1));
  const leaving = all.slice(0, Math.max(0, all.length - crowd.most));
  for (const [node, members] of Map.groupBy(leaving, (member) => member.node)) {
    const sessionIds = members.map(({ sessionId }) => sessionId);
    if (node === engine.cluster.self.id) {
      for (const own of membersOf(engine, group)) if (sessionIds.includes(own.id)) dismiss(log, crowd, own);
    } else await engine.cluster.ask("crowd-leave", JSON.stringify({ group, sessionIds }), { to: node });
  }
}

/** The oldest first. */
function membersOf(engine: Engine, { crowd, tenant, userId }: Group): readonly Session[] {
  return engine.sessions.ofUser({ tenant, userId }).filter(({ surface }) => surface.crowd?.name === crowd.name);
}

function memberOf({ id, since }: Session): Member {
  return { sessionId: id, since };
}

function dismiss(log: ConnectionLog, { most }: Crowd, session: Session): void {
  const { id: sessionId, identity, peer, surface } = session;
  log.warn(
    { sessionId, userId: identity.userId, tenant: identity.tenant, surface: surface.name, correlationId: peer.correlationId },
    "closed for a newer connection of its user: as many as there may be",
  );
  session.close(new Refusal("LIMIT_REACHED", "a newer connection took the place of this one", { max: most }), false);
}
