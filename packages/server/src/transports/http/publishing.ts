/** `POST /api/v1/events`: the HTTP door of the one way through the house (contract 00-common "Publishing"). */
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Identity } from "@broadtape/protocol/identity";
import type { Engine } from "../../engine/engine.ts";
import type { Gate } from "../gate.ts";
import { correlationIdOf } from "../peer.ts";
import { checkRight, parseEvents, publishAs } from "../publishing.ts";

export function servePublishing(
  app: FastifyInstance,
  { engine, gate, bodyBytes }: { engine: Engine; gate: Gate; bodyBytes: number },
): void {
  /** Who asked, for what is refused before there are events. */
  const publishers = new WeakMap<FastifyRequest, Identity>();
  const authorize = async (request: FastifyRequest) => {
    const identity = await gate.authenticate({ headers: request.headers });
    publishers.set(request, identity);
    checkRight(identity);
    return identity;
  };
  const noteRefused = async (request: FastifyRequest, error: Error) => {
    const publisher = publishers.get(request);
    if (publisher === undefined) return;
    const { tenant, userId } = publisher;
    engine.meter.witness.refused({ tenant, userId, correlationId: correlationIdOf(request.raw), events: undefined, error });
  };
  const options = {
    bodyLimit: bodyBytes,
    onRequest: authorize,
    onError: async (request: FastifyRequest, _reply: unknown, error: Error) => noteRefused(request, error),
  };
  app.post("/api/v1/events", options, async (request) => {
    const identity = await authorize(request);
    const events = parseEvents(request.headers["content-type"] ?? "", request.body);
    return publishAs(engine, identity, correlationIdOf(request.raw), events);
  });
}
