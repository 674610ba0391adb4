/** The native protocol's messages (contract 60-native), both directions. Client messages are schemas, since they are checked at run time. */
import { z } from "zod";
import type { ErrorCode } from "./errors.ts";
import { jsonNumber } from "./schema.ts";

export const SUBPROTOCOL = "broadtape.v1";

/** Where the native protocol is served. */
export const NATIVE_WEBSOCKET_PATH = "/api/v1/ws";
export const NATIVE_STREAM_PATH = "/api/v1/stream";

const requestId = z.union([z.string().max(128), z.number()]);
/** More than a connection may follow, so that the answer can tell of each topic; what fits in a frame is the bound. */
const topics = z.array(z.string().min(1).max(512)).min(1).max(10_000);
/** Updates a second and key; fractions mean less than one a second. */
export const updatesPerSecond = z.number().positive().min(0.001).max(1000);

const rangeEnd = z.union([jsonNumber, z.string().max(64)]).optional();
/** A bound on one filterable field: equality, one of a list, or a range (both ends inclusive). Numbers keep their digits. */
export const filterBound = z.union([
  z.string().max(256),
  jsonNumber,
  z.boolean(),
  z
    .array(z.union([z.string().max(256), jsonNumber]))
    .min(1)
    .max(100),
  z.strictObject({ min: rangeEnd, max: rangeEnd }),
]);
export const filters = z.record(z.string().min(1).max(64), filterBound);

export const clientMessage = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("authenticate"), token: z.string().min(1) }),
  z.looseObject({
    type: z.literal("subscribe"),
    id: requestId.optional(),
    topics,
    after: z.string().optional(),
    maxUpdatesPerSecond: updatesPerSecond.optional(),
    filters: filters.optional(),
    snapshot: z.boolean().optional(),
  }),
  z.looseObject({ type: z.literal("unsubscribe"), id: requestId.optional(), topics }),
  z.looseObject({ type: z.literal("update"), id: requestId.optional(), topics, maxUpdatesPerSecond: updatesPerSecond.nullable() }),
  z.looseObject({ type: z.literal("ack"), upTo: z.string().min(1).max(64) }),
  z.looseObject({ type: z.literal("reauthenticate"), token: z.string().min(1) }),
  z.looseObject({ type: z.literal("pong") }),
]);

export type ClientMessage = z.infer<typeof clientMessage>;
export type RequestId = z.infer<typeof requestId>;
export type Filters = z.infer<typeof filters>;

export interface WelcomeMessage {
  readonly type: "welcome";
  readonly connectionId: string;
  /** Milliseconds since the epoch. */
  readonly serverTime: number;
  readonly epoch: string;
  /** Cursor of the newest event. */
  readonly head: string;
  readonly heartbeatMs: number;
  readonly limits: { readonly topics: number; readonly commandsBurst: number; readonly commandsPerSecond: number };
}

export type TopicResult =
  | { readonly topic: string; readonly ok: true }
  | { readonly topic: string; readonly ok: false; readonly code: ErrorCode; readonly message?: string };

export interface SubscribedMessage {
  readonly type: "subscribed";
  readonly id?: RequestId;
  readonly results: readonly TopicResult[];
  /** All snapshots are the state after exactly this event; every event after it follows. */
  readonly cut: string;
  /** `state` is null for a topic that nothing was published on. */
  readonly snapshots: readonly { readonly topic: string; readonly state: unknown }[];
}

export interface UnsubscribedMessage {
  readonly type: "unsubscribed";
  readonly id?: RequestId;
  readonly topics: readonly string[];
}

/** Answer to `update`. */
export interface UpdatedMessage {
  readonly type: "updated";
  readonly id?: RequestId;
  readonly results: readonly TopicResult[];
}

export interface EventMessage {
  readonly type: "event";
  readonly topic: string;
  /** Type of the catalogue. */
  readonly event: string;
  /** Left out on ticks that are no events (a countdown). */
  readonly eventId?: string;
  /** RFC 3339, when it happened. */
  readonly time: string;
  readonly data: unknown;
  /** Present on the conflated class: only the newest value of a key counts. */
  readonly key?: string;
  /** How many newer values of the key replaced older ones since the last that was sent. */
  readonly conflated?: number;
  readonly correlationId?: string;
}

/** Events of one publish batch, to be applied together. */
export interface BatchMessage {
  readonly type: "batch";
  readonly events: readonly EventMessage[];
}

export interface PingMessage {
  readonly type: "ping";
  readonly serverTime: number;
  readonly lastEventId: string;
}

export interface LaggingMessage {
  readonly type: "lagging";
  readonly topic?: string;
  readonly behindMs: number;
  readonly lane: "lossless" | "conflated";
}

export interface CaughtUpMessage {
  readonly type: "caughtUp";
}

export interface ResyncMessage {
  readonly type: "resync";
  readonly topics: readonly string[];
  readonly reason: "unknown" | "expired";
  /** The cursor that could not be resumed, as the client gave it. */
  readonly from: string;
  readonly head: string;
}

export interface RevokedMessage {
  readonly type: "revoked";
  readonly topics: readonly string[];
}

export interface ClosingMessage {
  readonly type: "closing";
  readonly code: ErrorCode;
  readonly reconnectAfterMs?: number;
  readonly reconnect: boolean;
}

export interface ErrorMessage {
  readonly type: "error";
  readonly id?: RequestId;
  readonly code: ErrorCode;
  readonly message: string;
  readonly path?: string;
  readonly retryAfterMs?: number;
  readonly reconnectAfterMs?: number;
}

/** Answer to `reauthenticate`. */
export interface ReauthenticatedMessage {
  readonly type: "reauthenticated";
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export type ServerMessage =
  | WelcomeMessage
  | SubscribedMessage
  | UnsubscribedMessage
  | UpdatedMessage
  | EventMessage
  | BatchMessage
  | PingMessage
  | LaggingMessage
  | CaughtUpMessage
  | ResyncMessage
  | RevokedMessage
  | ClosingMessage
  | ReauthenticatedMessage
  | ErrorMessage;
