/** Preflights of the API's routes (WHATWG Fetch 3.2.2); whose origin may read the answers is said by the CORS plugin. */
import type { FastifyInstance } from "fastify";

/** Every route under `/api/` that is added after this answers `OPTIONS`, unless one was added for it before. */
export function answerPreflights(app: FastifyInstance): void {
  /** By path: the methods that it knows. */
  const methodsOf = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ url, method }) => {
    if (!url.startsWith("/api/")) return;
    const known = methodsOf.get(url);
    const methods = known ?? new Set<string>();
    for (const each of [method].flat()) methods.add(each);
    if (known !== undefined) return;
    methodsOf.set(url, methods);
    if (methods.has("OPTIONS")) return;
    app.options(url, (_request, reply) => {
      const allowed = [...methods].join(", ");
      return reply
        .headers({
          Allow: allowed,
          "Access-Control-Allow-Methods": allowed,
          "Access-Control-Allow-Headers": "Content-Type, Authorization, If-None-Match, X-Correlation-ID",
          "Access-Control-Max-Age": "600",
        })
        .code(204)
        .send();
    });
  });
}
