/** `POST /api/v1/events`: the HTTP door of the one way through the house (contract 00-common "Publishing"). */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import type { Engine } from "../../engine/engine.ts";
import type { Gate } from "../gate.ts";
import { correlationIdOf } from "../peer.ts";
import { parseText, textOf } from "./body.ts";

export const EVENT_TYPES = [
  "application/json",
  "application/cloudevents+json",
  "application/cloudevents-batch+json",
  "application/x-ndjson",
] as const;

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
    return engine.publish(events, {
      userId: identity.userId,
      tenant: identity.tenant,
      anyTenant: identity.permissions.has("events:publish:any"),
      correlationId: correlationIdOf(request.raw),
    });
  });
}

function checkRight({ permissions }: Identity): void {
  if (permissions.has("events:publish") || permissions.has("events:publish:any")) return;
  throw new Refusal("FORBIDDEN", "publishing needs the permission events:publish");
}

function parseEvents(contentType: string, body: unknown): readonly unknown[] {
  const text = textOf(body);
  const type = contentType.split(";", 1)[0]?.trim().toLowerCase();
  if (type === "application/x-ndjson") return parseLines(text);
  const value = parseText(text);
  if (type === "application/cloudevents-batch+json") return Array.isArray(value) ? value : [undefined];
  if (type === "application/cloudevents+json") return [value];
  return Array.isArray(value) ? value : [value];
}

function parseLines(text: string): unknown[] {
  return text.split(/\r?\n/).flatMap((line, index) => (line.trim() === "" ? [] : [parseText(line, `line ${index + 1} is not JSON`)]));
}
