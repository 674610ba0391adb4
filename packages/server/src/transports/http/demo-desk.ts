/** `/api/demo/rfqs`: what a signed-in trader asks of the demo's dealing desk, handed on to it. Only in demo mode. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Refusal } from "@broadtape/protocol/errors";
import type { Gate } from "../gate.ts";
import { httpError } from "../reason-phrase.ts";

export interface DemoDeskAddress {
  readonly url: string;
  /** What the desk knows the server by: nobody else speaks for a trader. */
  readonly secret: string;
}

export interface DemoDeskOptions {
  readonly gate: Gate;
  /** Undefined while no desk is there. */
  readonly desk: () => DemoDeskAddress | undefined;
  readonly fetch: typeof fetch;
}

const BODY_BYTES = 16_384;
/** The desk answers when its events are stored; longer than a slow disk needs. */
const ANSWER_MS = 10_000;

/** `POST /api/demo/rfqs`, `/api/demo/rfqs/{id}/accept`, `/api/demo/rfqs/{id}/cancel`. */
export function serveDemoDesk(app: FastifyInstance, options: DemoDeskOptions): void {
  const route = { bodyLimit: BODY_BYTES };
  app.post("/api/demo/rfqs", route, (request, reply) => handOn(options, request, reply, "/rfqs"));
  for (const deed of ["accept", "cancel"]) {
    app.post<{ Params: { id: string } }>(`/api/demo/rfqs/:id/${deed}`, route, (request, reply) =>
      handOn(options, request, reply, `/rfqs/${encodeURIComponent(request.params.id)}/${deed}`),
    );
  }
}

async function handOn({ gate, desk, fetch }: DemoDeskOptions, request: FastifyRequest, reply: FastifyReply, path: string) {
  const { userId, tenant } = await gate.authenticate({ headers: request.headers });
  const address = desk();
  if (address === undefined) throw absent();
  const body = Buffer.isBuffer(request.body) && request.body.length > 0 ? request.body : undefined;
  let answer: Response;
  try {
    answer = await fetch(`${address.url}${path}`, {
      method: "POST",
      headers: {
        "x-broadtape-secret": address.secret,
        // Headers are Latin-1, names are not.
        "x-broadtape-user": encodeURIComponent(userId),
        "x-broadtape-tenant": encodeURIComponent(tenant),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: new Uint8Array(body) }),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
  } catch {
    throw absent();
  }
  // It knows no more of who may speak to it than the secret: a refusal of that is not the trader's doing.
  if (answer.status === 403) return reply.code(502).send(httpError(502, "the dealing desk does not know this server"));
  const retryAfter = answer.headers.get("retry-after");
  if (retryAfter !== null) reply.header("Retry-After", retryAfter);
  return reply
    .code(answer.status)
    .type("application/json; charset=utf-8")
    .send(await answer.text());
}

function absent(): Refusal {
  return new Refusal("SHUTTING_DOWN", "the dealing desk is not there", { retryAfterMs: 1000 });
}
