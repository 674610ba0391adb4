/** `POST` and `DELETE /api/session`: cookie sessions (contract 00-common "Identity"). */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import { isoTime } from "../../engine/clock.ts";
import type { Gate } from "../gate.ts";

/** What of cookie sessions this route needs. */
export interface SessionDesk {
  open(identity: Identity): Promise<{ readonly id: string; readonly expiresAt: number }>;
  /** Ends the session and what hangs on it. */
  end(id: string): Promise<boolean>;
  cookieOf(request: FastifyRequest): string | undefined;
}

export function serveSessions(app: FastifyInstance, gate: Gate, sessions: SessionDesk, now: () => number): void {
  app.post("/api/session", async (request, reply) => {
    if (request.headers.authorization === undefined) throw new Refusal("UNAUTHORIZED", "a bearer token opens a session");
    const identity = await gate.authenticate({ headers: request.headers });
    const { id, expiresAt } = await sessions.open(identity);
    reply.header("Set-Cookie", cookie(request, id, Math.max(0, Math.floor((expiresAt - now()) / 1000))));
    return reply.code(201).send({ userId: identity.userId, tenantId: identity.tenant, expiresAt: isoTime(expiresAt) });
  });
  app.delete("/api/session", async (request, reply) => {
    const id = sessions.cookieOf(request);
    if (id === undefined || !(await sessions.end(id))) throw new Refusal("UNAUTHORIZED", "No valid session found");
    return reply
      .header("Set-Cookie", cookie(request, "", 0))
      .code(204)
      .send();
  });
}

function cookie(request: FastifyRequest, value: string, maxAgeSeconds: number): string {
  const secure = request.protocol === "https" ? "; Secure" : "";
  return `session=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}${secure}`;
}
