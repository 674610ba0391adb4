/** The desk's HTTP side, for the server's proxy alone: it vouches for who the trader is with a secret made at start. */
import { timingSafeEqual } from "node:crypto";
import { STATUS_CODES } from "node:http";
import fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from "fastify";
import { z } from "zod";
import { nameOf } from "@broadtape/protocol/identity";
import { parseJson } from "@broadtape/protocol/json";
import { RFQ_ID } from "@broadtape/protocol/products/rfq/schema";
import { decimal } from "@broadtape/protocol/schema";
import type { Desk } from "./desk.ts";
import { DeskRefusal } from "./refusal.ts";
import type { Trader } from "./rfq-on-desk.ts";

const BODY_BYTES = 16_384;

const orderBody = z.object({
  symbol: z.string().max(64),
  side: z.enum(["buy", "sell", "two-way"]),
  quantity: decimal,
  seconds: z.number(),
});
const acceptBody = z.object({ quoteId: z.string().min(1).max(128).optional(), side: z.enum(["buy", "sell"]).optional() });
const traderHeaders = z.object({ userId: z.string().regex(RFQ_ID), tenant: nameOf(128) });

export function deskApp(desk: Desk, secret: string): FastifyInstance {
  const app = fastify({ bodyLimit: BODY_BYTES, forceCloseConnections: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, async (_request: FastifyRequest, body: string | Buffer) =>
    parse(String(body)),
  );
  app.addHook("onRequest", async (request, reply) => {
    if (!isEqual(request.headers["x-broadtape-secret"], secret)) return reply.code(403).send(errorBody(403, "not for you"));
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(errorBody(404, "no such resource")));
  app.setErrorHandler(async (error: FastifyError, _request, reply) => {
    const statusCode = error.statusCode ?? 500;
    if (statusCode === 503 || statusCode === 429) reply.header("retry-after", "1");
    if (statusCode >= 500 && !(error instanceof DeskRefusal)) console.error("demo: the desk failed:", error);
    return reply.code(statusCode).send(errorBody(statusCode, statusCode === 500 ? "internal error" : error.message));
  });

  app.post("/rfqs", async (request, reply) => {
    const { rfq } = await desk.request(traderOf(request), check(orderBody, request.body));
    return reply.code(201).send({ rfqId: rfq.id });
  });
  app.post<{ Params: { id: string } }>("/rfqs/:id/accept", async (request) => {
    const { tradeId, price, quantity } = await desk.accept(traderOf(request), request.params.id, check(acceptBody, request.body ?? {}));
    return { tradeId, price, quantity };
  });
  app.post<{ Params: { id: string } }>("/rfqs/:id/cancel", async (request) => {
    await desk.cancel(traderOf(request), request.params.id);
    return { rfqId: request.params.id };
  });
  return app;
}

/** The proxy escapes names, for headers are Latin-1. */
function traderOf({ headers }: FastifyRequest): Trader {
  const unescaped = (name: string) => {
    try {
      return decodeURIComponent(String(headers[name] ?? ""));
    } catch {
      return "";
    }
  };
  const trader = traderHeaders.safeParse({ userId: unescaped("x-broadtape-user"), tenant: unescaped("x-broadtape-tenant") });
  if (!trader.success) throw new DeskRefusal(400, "a trader's id is 1 to 128 letters, digits or . _ : # @ = + / ~ -");
  return trader.data;
}

function check<T>(schema: z.ZodType<T>, body: unknown): T {
  const checked = schema.safeParse(body);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  throw new DeskRefusal(400, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is wrong"}`.replace(/^: /, ""));
}

function parse(text: string): unknown {
  try {
    return text === "" ? undefined : parseJson(text);
  } catch {
    throw new DeskRefusal(400, "the body is not JSON");
  }
}

function isEqual(given: string | string[] | undefined, secret: string): boolean {
  const [own, other] = [Buffer.from(secret), Buffer.from(typeof given === "string" ? given : "")];
  return own.length === other.length && timingSafeEqual(own, other);
}

function errorBody(statusCode: number, message: string) {
  return { error: STATUS_CODES[statusCode] ?? "Error", message, statusCode };
}
