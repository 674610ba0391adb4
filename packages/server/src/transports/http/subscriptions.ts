/** `/api/v1/subscriptions`: what clients that name themselves follow of the money feed (contract 30-transactions). */
import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyReply } from "fastify";
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import { parseJson } from "@broadtape/protocol/json";
import { type FeedSubscription, subscribed } from "@broadtape/protocol/products/transactions/subscription";
import { subscriptionChange, subscriptionCreation } from "@broadtape/protocol/rest";
import { isoTime } from "../../engine/clock.ts";
import type { Wants } from "../../engine/subscriber.ts";
import type { Subscribers } from "../../engine/subscribers.ts";
import type { Gate } from "../gate.ts";
import { httpError } from "../reason-phrase.ts";
import { bodyOf } from "./body.ts";

export interface SubscriptionsOptions {
  readonly subscribers: Subscribers;
  readonly gate: Gate;
  /** Of one user. */
  readonly most: number;
  readonly bodyBytes: number;
}

type Row = Awaited<ReturnType<Subscribers["change"]>>;

export function serveSubscriptions(app: FastifyInstance, { subscribers, gate, most, bodyBytes }: SubscriptionsOptions): void {
  const oneByOne = turns();

  app.get("/api/v1/subscriptions", async (request, reply) => {
    const { tenant, userId } = await gate.authenticate({ headers: request.headers });
    const rows = await subscribers.list(tenant, userId);
    return send(reply, 200, { subscriptions: rows.map(stateOf) });
  });

  // A client of that name is given what is asked for in place of what it had: whoever lost the answer asks again.
  app.post("/api/v1/subscriptions", { bodyLimit: bodyBytes }, async (request, reply) => {
    const { tenant, userId } = await gate.authenticate({ headers: request.headers });
    const body = bodyOf(subscriptionCreation, request.body);
    const clientId = body.clientId ?? randomUUID();
    const tooMany = new Refusal("LIMIT_REACHED", `a user has at most ${most} subscriptions`);
    // One after the other, or two at once would both find room for the last.
    return oneByOne(`${tenant}\u0000${userId}`, async () => {
      const rows = await subscribers.list(tenant, userId);
      const isKnown = rows.some((row) => row.clientId === clientId);
      if (!isKnown && rows.length >= most) throw tooMany;
      const row = await subscribers.change({ tenant, userId, clientId }, wantsOf(subscribed(undefined, body)));
      // Other nodes may have found room for the last at the same time.
      if (!isKnown && (await subscribers.list(tenant, userId)).length > most) {
        await subscribers.remove(tenant, userId, row.id);
        throw tooMany;
      }
      if (!isKnown) reply.header("Location", `/api/v1/subscriptions/${row.id}`);
      return send(reply, isKnown ? 200 : 201, stateOf(row));
    });
  });

  app.get<ById>("/api/v1/subscriptions/:id", async (request, reply) => {
    const identity = await gate.authenticate({ headers: request.headers });
    const row = await find(subscribers, identity, request.params.id);
    return row === undefined ? sendUnknown(reply) : send(reply, 200, stateOf(row));
  });

  app.patch<ById>("/api/v1/subscriptions/:id", { bodyLimit: bodyBytes }, async (request, reply) => {
    const identity = await gate.authenticate({ headers: request.headers });
    const { events, filters } = bodyOf(subscriptionChange, request.body);
    return oneByOne(`${identity.tenant}\u0000${identity.userId}`, async () => {
      const row = await find(subscribers, identity, request.params.id);
      if (row === undefined) return sendUnknown(reply);
      const wants = {
        ...(events != null && { events: subscribed(undefined, { events }).events }),
        // Null ends them, as on sockets.
        ...(filters !== undefined && { filters: JSON.stringify(filters ?? {}) }),
      };
      return send(reply, 200, stateOf(await subscribers.change(row, wants)));
    });
  });

  app.delete<ById>("/api/v1/subscriptions/:id", async (request, reply) => {
    const { tenant, userId } = await gate.authenticate({ headers: request.headers });
    return (await subscribers.remove(tenant, userId, request.params.id)) ? reply.code(204).send() : sendUnknown(reply);
  });
}

interface ById {
  readonly Params: { readonly id: string };
}

function find(subscribers: Subscribers, { tenant, userId }: Identity, id: string) {
  return subscribers.find(tenant, userId, id);
}

function wantsOf({ events, filters }: FeedSubscription): Wants {
  return { events, filters: JSON.stringify(filters) };
}

function stateOf({ id, clientId, events, filters, subscribedAt, updatedAt }: Row) {
  return { id, clientId, events, filters: parseJson(filters), createdAt: isoTime(subscribedAt), updatedAt: isoTime(updatedAt) };
}

/** As text: digits are the client's. */
function send(reply: FastifyReply, statusCode: number, body: object): FastifyReply {
  return reply.code(statusCode).headers({ "Cache-Control": "no-store" }).type("application/json; charset=utf-8").send(JSON.stringify(body));
}

function sendUnknown(reply: FastifyReply): FastifyReply {
  return reply.code(404).send(httpError(404, "no such subscription"));
}

/** Runs what comes under one key one after the other. Bounded by the requests under way. */
function turns(): <T>(key: string, run: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return async (key, run) => {
    const own = (last.get(key) ?? Promise.resolve()).then(run, run);
    last.set(key, own);
    try {
      return await own;
    } finally {
      if (last.get(key) === own) last.delete(key);
    }
  };
}
