/** What clients of the money feed say and are told (contract 30-transactions), on its plain WebSocket and its Socket.IO namespace. */
import { z } from "zod";
import { ERROR_CODES } from "../../errors.ts";
import { FEED_EVENTS, type FeedEvent, events } from "./events.ts";
import { filters } from "./filters.ts";
import { balance, fraudAlert, transaction, walletChange } from "./schema.ts";
import { subscriptionRequest } from "./subscription.ts";

/** Of any length that fits in a frame: what is no event id is unknown, never an error. */
const eventId = z.string();

export const subscribeBody = z.looseObject({ ...subscriptionRequest.shape, after: eventId.nullish() });
export const unsubscribeBody = z.looseObject({ events });
/** One event, several, or all up to one. */
export const ackBody = z
  .looseObject({ eventId: eventId.optional(), eventIds: z.array(eventId).max(10_000).optional(), upTo: eventId.optional() })
  .refine((ack) => [ack.eventId, ack.eventIds, ack.upTo].filter((form) => form !== undefined).length === 1, {
    error: "must hold one of eventId, eventIds and upTo",
  });
export const reauthenticateBody = z.looseObject({ token: z.string().min(1) });

/** A message of the plain WebSocket; in the Socket.IO namespace its type is the event's name, and its body the rest. */
export const feedClientMessage = z.discriminatedUnion("type", [
  subscribeBody.extend({ type: z.literal("subscribe") }),
  unsubscribeBody.extend({ type: z.literal("unsubscribe") }),
  ackBody.safeExtend({ type: z.literal("ack") }),
  reauthenticateBody.extend({ type: z.literal("reauthenticate") }),
  z.looseObject({ type: z.literal("pong") }),
]);

export type SubscribeBody = z.infer<typeof subscribeBody>;
export type AckBody = z.infer<typeof ackBody>;
export type FeedClientMessage = z.infer<typeof feedClientMessage>;

/** An ack's three forms as two. Ids are as the client wrote them. */
export type Ack = { readonly eventIds: readonly string[] } | { readonly upTo: string };

export function ackOf({ eventId: one, eventIds, upTo }: AckBody): Ack {
  if (upTo !== undefined) return { upTo };
  return { eventIds: eventIds ?? (one === undefined ? [] : [one]) };
}

/** ISO 8601 in UTC, with milliseconds. */
const timestamp = z.iso.datetime({ precision: 3 });
const subscription = z.looseObject({ events: z.array(z.enum(FEED_EVENTS)), filters });

/** What every message with an event holds besides it; the last two when it was sent before and not acknowledged. */
const told = {
  eventId: z.string().regex(/^EV-[0-9a-f]{16}$/),
  timestamp,
  redelivered: z.literal(true).optional(),
  /** 2 the first time. */
  attempt: z.number().int().min(2).optional(),
};

/** Exactly what the server says; clients read it with an eye to fields that come later. */
export const feedServerMessage = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.literal("connected"),
    connectionId: z.string(),
    timestamp,
    resumed: z.boolean(),
    subscription: subscription.optional(),
  }),
  z.looseObject({ type: z.literal("transaction"), ...told, transaction: z.looseObject({ ...transaction.shape, createdAt: timestamp }) }),
  z.looseObject({ type: z.literal("balance"), ...told, wallet: balance }),
  z.looseObject({ type: z.literal("wallet"), ...told, wallet: walletChange }),
  z.looseObject({ type: z.literal("fraud"), ...told, alert: fraudAlert }),
  subscription.extend({ type: z.literal("subscribed"), timestamp }),
  subscription.extend({ type: z.literal("unsubscribed"), timestamp }),
  z.looseObject({ type: z.literal("reauthenticated"), timestamp, expiresAt: z.number() }),
  z.looseObject({ type: z.literal("ping"), timestamp, lastEventId: z.string() }),
  z.looseObject({ type: z.literal("resync"), reason: z.enum(["unknown", "expired"]) }),
  z.looseObject({
    type: z.literal("error"),
    code: z.enum(ERROR_CODES),
    message: z.string(),
    path: z.string().optional(),
    retryAfterMs: z.number().optional(),
    reconnectAfterMs: z.number().optional(),
  }),
]);

export type FeedServerMessage = z.infer<typeof feedServerMessage>;

/** A message with an event; whose it is does not stand in it. */
export type FeedEventMessage = Extract<FeedServerMessage, { type: FeedEvent }>;
