/** `POST /api/v1/events`: the HTTP door of the one way through the house (contract 00-common "Publishing"). */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Refusal } from "@broadtape/protocol/errors";
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
  app.post("/api/v1/events", { bodyLimit: bodyBytes, onRequest: async (request) => authorize(gate, request) }, async (request) => {
    const identity = await authorize(gate, request);
    const events = parseEvents(request.headers["content-type"] ?? "", request.body);
    return engine.publish(events, {
      userId: identity.userId,
      tenant: identity.tenant,
      anyTenant: identity.permissions.has("events:publish:any"),
      correlationId: correlationIdOf(request.raw),
    });
  });
}

async function authorize(gate: Gate, request: FastifyRequest) {
  const identity = await gate.authenticate({ headers: request.headers });
  if (!identity.permissions.has("events:publish") && !identity.permissions.has("events:publish:any")) {
    throw new Refusal("FORBIDDEN", "publishing needs the permission events:publish");
  }
  return identity;
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
