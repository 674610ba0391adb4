/** `/healthz`, `/livez`, `/readyz`, `/metrics`. */
import type { FastifyInstance } from "fastify";
import { httpError } from "../reason-phrase.ts";

export interface HealthOptions {
  /** Log open, views caught up, not draining. */
  readonly isReady: () => boolean;
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
}

export function serveHealth(app: FastifyInstance, { isReady, metrics }: HealthOptions): void {
  for (const path of ["/healthz", "/livez"]) app.get(path, () => ({ status: "ok" }));
  app.get("/readyz", (_request, reply) => (isReady() ? { status: "ready" } : reply.code(503).send(httpError(503, "not ready"))));
  app.get("/metrics", async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
}
