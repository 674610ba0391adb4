/** What is said over HTTP beside published events: requests and answers, as schemas (contract 00-common, 30-transactions). */
import { z } from "zod";
import { type HttpErrorBody } from "./errors.ts";
import { type PublishAnswer } from "./event.ts";
import { FEED_EVENTS } from "./products/transactions/events.ts";
import { filters } from "./products/transactions/filters.ts";
import { subscriptionRequest } from "./products/transactions/subscription.ts";

/** What a client calls itself, to be known again. */
export const clientId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 letters, digits, _ or -")
  .describe("What a client calls itself, to be known again.");

/** ISO 8601 in UTC, with milliseconds. */
const timestamp = z.iso.datetime({ precision: 3 });
const eventId = z.string().describe("Id of an event, which is a cursor: what follows it is asked for with it.");
const count = z.number().int().min(0);

/** Body of `POST /api/v1/subscriptions`; without `events`, transactions and balances, as on sockets. */
export const subscriptionCreation = subscriptionRequest.extend({ clientId: clientId.nullish() });
/** Body of `PATCH /api/v1/subscriptions/{id}`: what is left out stays. */
export const subscriptionChange = subscriptionRequest;

export const subscriptionState = z.looseObject({
  id: z.string(),
  clientId,
  events: z.array(z.enum(FEED_EVENTS)).describe("None where the client left everything."),
  filters,
  createdAt: timestamp,
  updatedAt: timestamp.describe("When what it asks for last changed."),
});
export const subscriptionList = z.looseObject({ subscriptions: z.array(subscriptionState) });

export const CONNECTION_STATUSES = ["CONNECTED", "AUTHENTICATING", "DISCONNECTED", "STALE"] as const;

export const connectionState = z.looseObject({
  id: z.string().describe("As the connection itself was told it."),
  userId: z.string(),
  clientId: clientId.nullable(),
  surface: z.string(),
  connectedAt: timestamp,
  lastActivity: timestamp,
  ipAddress: z.string(),
  userAgent: z.string().nullable(),
  status: z.enum(CONNECTION_STATUSES).describe("STALE: no sign of life for five minutes."),
  queuedBytes: count.exactOptional().describe("Bytes that wait for it; with `stream:admin`, as what follows."),
  unacked: count.exactOptional().describe("Events sent that wait for their ack."),
  heldValues: count.exactOptional().describe("Conflated values that wait."),
  conflated: count.exactOptional().describe("Values that a newer one replaced before they were sent, since it was opened."),
  paused: z.boolean().exactOptional().describe("Its lossless lane reads the log."),
  topics: count.exactOptional().describe("How many it follows."),
  node: z.string().exactOptional().describe("Name of the node that holds it."),
});
export const connectionList = z.looseObject({
  connections: z.array(connectionState).describe("In the order in which they were opened."),
  next: z.string().nullable().describe("For `after` of the next page; null where there is none."),
  unanswered: z
    .array(z.looseObject({ id: z.string(), name: z.string() }))
    .exactOptional()
    .describe("Nodes that did not answer in time, whose connections are missing here; absent where all did."),
});

export type ConnectionList = z.infer<typeof connectionList>;
export type ConnectionState = z.infer<typeof connectionState>;

/** Answer of `GET /api/stream/metrics` (contract 50-sse). */
export const streamMetrics = z.looseObject({
  timestamp,
  totalClients: count.describe("Connections to event streams, of all tenants."),
  totalUsers: count.describe("Who they are of; all who did not say count as one."),
  clientsPerUser: z
    .array(z.looseObject({ userId: z.string(), clientCount: count }))
    .describe("With `stream:admin`, users of the own tenant, most connections first; else empty."),
});

/** Body of `POST /api/stream/test`, and what it answers. */
export const streamTest = z.looseObject({ message: z.string().max(1024).exactOptional().describe("What readers are told.") });
export const streamTested = z.looseObject({ clients: count.describe("Connections of the own tenant that were told.") });

export const noticeState = z.looseObject({
  eventId,
  userId: z.string(),
  kind: z.string().describe("`webhook` or `smtp`."),
  status: z
    .enum(["claimed", "sent", "failed", "unknown"])
    .describe("`claimed`: on its way; `unknown`: it may have arrived, and is not sent again."),
  attempts: count,
  lastError: z.string().nullable(),
  claimedAt: timestamp,
  doneAt: timestamp.nullable(),
});
export const noticeList = z.looseObject({ notices: z.array(noticeState), next: z.string().nullable() });

export type NoticeState = z.infer<typeof noticeState>;

export const publishAnswer = z.looseObject({
  accepted: count.describe("Events of the request that are in the log now, duplicates included."),
  results: z.array(
    z.looseObject({
      id: z.string(),
      eventId,
      offset: count,
      duplicate: z.boolean().describe("The same `source` and `id` was stored before; `offset` is the first one's."),
    }),
  ),
}) satisfies z.ZodType<PublishAnswer>;

export const httpErrorBody = z.looseObject({
  error: z.string().describe("The reason phrase of `statusCode`."),
  message: z.string(),
  statusCode: z.number().int(),
  errors: z
    .array(
      z.looseObject({
        index: count.describe("Of the event in its batch."),
        path: z.string().describe("Of the field; empty for the event itself."),
        message: z.string(),
        offset: count.exactOptional().describe("Where the state stands in the log that the event contradicts."),
      }),
    )
    .exactOptional(),
}) satisfies z.ZodType<HttpErrorBody>;

/** `GET /api/v1/topics/{topic}/events` */
export const historyPage = z.looseObject({
  topic: z.string(),
  events: z.array(
    z.looseObject({
      type: z.literal("event"),
      topic: z.string(),
      event: z.string().describe("A type of the catalogue."),
      eventId,
      time: z.iso.datetime({ offset: true }),
      data: z.unknown().describe("As followers of the topic were told it."),
      correlationId: z.string(),
    }),
  ),
  next: eventId.describe("The cursor that the next page begins after."),
  complete: z.boolean().describe("Whether this was all until now."),
  resync: z
    .looseObject({ reason: z.enum(["unknown", "expired"]) })
    .optional()
    .describe("The given cursor is none of this log, or older than it is kept; the page begins with the oldest event."),
});

/** `GET /api/v1/topics/{topic}/snapshot` */
export const topicSnapshot = z.looseObject({
  topic: z.string(),
  state: z.unknown().describe("Null where nothing is known."),
  cut: eventId.describe("The state is that after exactly this event."),
});

/** Answer to `POST /api/session`. */
export const openedSession = z.looseObject({ userId: z.string(), tenantId: z.string(), expiresAt: timestamp });

export const acceptedCommands = z.looseObject({ accepted: z.literal(true) });
export const healthState = z.looseObject({ status: z.string() });

const demoUser = { userId: z.string(), tenantId: z.string(), name: z.string(), permissions: z.array(z.string()) };
export const demoUsers = z.looseObject({ users: z.array(z.looseObject(demoUser)) });
/** Answer to `POST /api/demo/session`. */
export const demoSession = z.looseObject({ ...demoUser, token: z.string(), expiresAt: timestamp });
/** Body of `POST /api/demo/session`; without `user`, the first one. */
export const demoSignIn = z.looseObject({ user: z.string().max(64).optional() });
/** Answer to `POST /api/demo/cut`. */
export const demoCut = z.looseObject({ connections: count.describe("How many were broken.") });
