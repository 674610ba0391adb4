/** As many connections of a user to streams as there may be (contract 50-sse "Behaviour"). */
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import type { Engine } from "../../engine/engine.ts";
import type { Surface } from "../../engine/message.ts";
import type { ConnectionLog } from "../gate.ts";

/** The oldest connections of the crowd make room for a new one, and are told so: tabs that come back by themselves would evict each other for ever. */
export function makeRoom(engine: Engine, log: ConnectionLog, { crowd }: Surface, identity: Identity): void {
  if (crowd === undefined || identity.isAnonymous === true) return;
  const own = engine.sessions.ofUser(identity).filter(({ surface }) => surface.crowd?.name === crowd.name);
  for (const session of own.slice(0, Math.max(0, own.length - crowd.most + 1))) {
    const { id: sessionId, peer, surface } = session;
    log.warn(
      { sessionId, userId: identity.userId, tenant: identity.tenant, surface: surface.name, correlationId: peer.correlationId },
      "closed for a newer connection of its user: as many as there may be",
    );
    session.close(new Refusal("LIMIT_REACHED", "a newer connection took the place of this one", { max: crowd.most }), false);
  }
}
