/** What each route of the HTTP API does, by method and path as they are served. */
import { NATIVE_STREAM_PATH } from "@broadtape/protocol/native";
import type { StreamSurface } from "../../../engine/surface.ts";
import { type Json, body, empty, json, path, query, ref, refusals, text } from "./schemas.ts";

export interface Operation {
  readonly tags: readonly [string];
  readonly summary: string;
  readonly description?: string;
  /** Without it, what the document says for all. */
  readonly security?: readonly Json[];
  readonly parameters?: readonly Json[];
  readonly requestBody?: Json;
  readonly responses: Json;
}

/** One route that answers under several paths of its own. */
export type Operations = Readonly<Record<string, Operation>>;

const TOPIC = path("topic", "`symbol:EURUSD`, `rfq:{id}`, ...; a slash in it may be escaped or not.");
const ID = path("id", "As it was told when it was made.");
const CURSOR = "Id of an event.";

const EVENT = { type: "fraud.alert", id: "one-a-fact", data: { userId: "ann", alert: alert() } };

function alert() {
  return { transactionId: "t-1", riskScore: 0.97, reason: "unusual amount", action: "REVIEW" };
}

const publishing: Operation = {
  tags: ["Publishing"],
  summary: "Publish events",
  description:
    "CloudEvents 1.0, one or a batch. A batch is all or nothing, and one step for everybody. The answer comes once the events are " +
    "durable. The same `source` and `id` twice is stored once. Needs the permission `events:publish`.",
  requestBody: {
    required: true,
    content: {
      "application/json": {
        schema: { oneOf: [ref("PublishedEvent"), { type: "array", items: ref("PublishedEvent") }] },
        example: EVENT,
      },
      "application/cloudevents+json": { schema: ref("PublishedEvent"), example: { specversion: "1.0", ...EVENT } },
      "application/cloudevents-batch+json": { schema: { type: "array", items: ref("PublishedEvent") } },
      "application/x-ndjson": { schema: { type: "string", description: "One event a line." } },
    },
  },
  responses: { 200: json("PublishAnswer", "All are in the log."), ...refusals(400, 401, 403, 413, 415, 422, 503) },
};

const history: Operations = {
  "/api/v1/topics/{topic}/events": {
    tags: ["History"],
    summary: "A page of a topic's events, oldest first",
    parameters: [
      TOPIC,
      query("after", `${CURSOR} Without it, from the oldest that is kept.`),
      query("until", `${CURSOR} Without it, until now.`),
      query("limit", "Events of the page.", { type: "integer", minimum: 1, default: 100 }),
    ],
    responses: {
      200: json("HistoryPage", "The page.", { ETag: { $ref: "#/components/headers/ETag" } }),
      304: empty("As the client has it."),
      ...refusals(400, 401, 403, 404),
    },
  },
  "/api/v1/topics/{topic}/snapshot": {
    tags: ["History"],
    summary: "The state of a topic, now or at a past point",
    parameters: [TOPIC, query("at", "Id of an event, milliseconds since the epoch, or an ISO 8601 time; without it, now.")],
    responses: {
      200: json("TopicSnapshot", "The state.", { ETag: { $ref: "#/components/headers/ETag" } }),
      304: empty("As the client has it."),
      ...refusals(400, 401, 403, 404, 410),
    },
  },
};

const nativeStream: Operation = streamOperation({
  tag: "Streams",
  summary: "Any topics as server-sent events, in the native protocol",
  events: ["welcome", "subscribed", "event", "batch", "ping", "caughtUp", "resync", "closing", "error"],
  query: {
    topics: "Names, separated by commas.",
    after: "Id of the last event that the client has; what it missed comes first.",
    clientId: "What the client calls itself, to be known again.",
  },
});

const subscriptions: Readonly<Record<string, Operation>> = {
  "GET /api/v1/subscriptions": {
    tags: ["Subscriptions"],
    summary: "One's own subscriptions, newest first",
    responses: { 200: json("SubscriptionList", "All of them."), ...refusals(401, 503) },
  },
  "POST /api/v1/subscriptions": {
    tags: ["Subscriptions"],
    summary: "Say what a client of one's own is to follow of the money feed",
    description:
      "`clientId` is made up when absent. A client that has a subscription is given this one in its place, under the same id, and is told so " +
      "at once where it is connected.",
    requestBody: body("SubscriptionCreation", {
      clientId: "phone-1",
      events: ["transaction", "balance"],
      filters: { minAmount: "50000.00", currency: ["NGN"] },
    }),
    responses: {
      200: json("Subscription", "It stands in the place of the one that the client had."),
      201: json("Subscription", "It was made.", { Location: { description: "Its path.", schema: { type: "string" } } }),
      ...refusals(400, 401, 413, 415, 429, 503),
    },
  },
  "GET /api/v1/subscriptions/:id": {
    tags: ["Subscriptions"],
    summary: "One subscription",
    parameters: [ID],
    responses: { 200: json("Subscription", "As it stands."), ...refusals(401, 404, 503) },
  },
  "PATCH /api/v1/subscriptions/:id": {
    tags: ["Subscriptions"],
    summary: "Change events or filters, or both",
    description: "What is left out stays; `filters: null` ends all filters. The live connection is told `subscribed` at once.",
    parameters: [ID],
    requestBody: body("SubscriptionChange", { filters: { status: "FAILED" } }),
    responses: { 200: json("Subscription", "As it stands now."), ...refusals(400, 401, 404, 413, 415, 503) },
  },
  "DELETE /api/v1/subscriptions/:id": {
    tags: ["Subscriptions"],
    summary: "Forget a subscription, and what is pending in it",
    description: "A live connection of the client goes on and follows nothing.",
    parameters: [ID],
    responses: { 204: empty("It is forgotten."), ...refusals(401, 404, 503) },
  },
};

const connections: Readonly<Record<string, Operation>> = {
  "GET /api/v1/connections": {
    tags: ["Connections"],
    summary: "One's own live connections; with `stream:admin` those of the tenant",
    parameters: [
      query("limit", "Connections of the page.", { type: "integer", minimum: 1, maximum: 1000, default: 1000 }),
      query("after", "`next` of the page before."),
      query("node", "With `stream:admin`: id or name of one node; without it, those of all."),
    ],
    responses: { 200: json("ConnectionList", "A page; `next` is null where there is no other."), ...refusals(400, 401, 503) },
  },
  "DELETE /api/v1/connections/:id": {
    tags: ["Connections"],
    summary: "End a connection, whichever node holds it",
    description: "It is told `error` with the code FORBIDDEN, and where the surface has the word, `closing`.",
    parameters: [ID],
    responses: { 204: empty("It was ended."), ...refusals(401, 404, 503) },
  },
};

const ADMIN = "Needs the permission `stream:admin`.";
const LIMIT = (most: number) => query("limit", "At most so many.", { type: "integer", minimum: 1, maximum: 1000, default: most });

const NODE = query("node", "Id or name of one node; without it, all nodes answer.");

const operators: Readonly<Record<string, Operation>> = {
  "GET /api/v1/operations": {
    tags: ["Operations"],
    summary: "All nodes at a glance",
    description: `Figures are of all nodes together, and of each; what is said to be of the tenant is of the own one. ${ADMIN}`,
    parameters: [NODE],
    responses: { 200: json("OperationsSummary", "As it stands."), ...refusals(400, 401, 403, 503) },
  },
  "GET /api/v1/operations/history": {
    tags: ["Operations"],
    summary: "The last hour, a sample every five seconds",
    description: `Kept in memory: it begins with a node's start. ${ADMIN}`,
    parameters: [query("after", "`at` of the last sample that the client has.", { type: "string", format: "date-time" }), NODE],
    responses: { 200: json("OperationsHistory", "The samples."), ...refusals(400, 401, 403, 503) },
  },
  "GET /api/v1/operations/latency": {
    tags: ["Operations"],
    summary: "How long publishing takes until it is written to its receivers",
    description: ADMIN,
    parameters: [query("windowMs", "Over how long.", { type: "integer", minimum: 1, maximum: 3_600_000, default: 3_600_000 }), NODE],
    responses: { 200: json("LatencyHistogram", "The histogram."), ...refusals(400, 401, 403, 503) },
  },
  "GET /api/v1/operations/topics": {
    tags: ["Operations"],
    summary: "The tenant's topics that are told the most",
    description: `Rates are measured from one request to the next. ${ADMIN}`,
    parameters: [LIMIT(50), NODE],
    responses: { 200: json("TopicRates", "The topics."), ...refusals(400, 401, 403, 503) },
  },
  "GET /api/v1/operations/refusals": {
    tags: ["Operations"],
    summary: "Publishing requests of the tenant that were refused, with the reason",
    description: ADMIN,
    parameters: [LIMIT(200), NODE],
    responses: { 200: json("PublishRefusals", "Newest first."), ...refusals(400, 401, 403, 503) },
  },
  "GET /api/v1/operations/limits": {
    tags: ["Operations"],
    summary: "Limits that the tenant's clients hit, and connections that do not keep up",
    description: ADMIN,
    parameters: [LIMIT(200), NODE],
    responses: { 200: json("LimitHits", "Newest first."), ...refusals(400, 401, 403, 503) },
  },
  "GET /api/v1/operations/views": {
    tags: ["Operations"],
    summary: "Whether all nodes hold the same views",
    description: `Checksums of all states, of each node at the same offset where they can be brought to one. Costs each node a walk over its views. ${ADMIN}`,
    parameters: [NODE],
    responses: { 200: json("ViewsComparison", "The checksums, and whether they agree."), ...refusals(400, 401, 403, 429, 503) },
  },
  "GET /api/v1/operations/outbox": {
    tags: ["Operations"],
    summary: "The tenant's batches of the database's outbox that were refused, with the reason",
    description: `Nothing where there is no PostgreSQL. ${ADMIN}`,
    parameters: [LIMIT(100), query("before", "`next` of the page before.", { type: "integer", minimum: 0 })],
    responses: { 200: json("RefusedOutbox", "A page, newest first."), ...refusals(400, 401, 403, 503) },
  },
  "GET /api/v1/operations/tail": {
    tags: ["Operations"],
    summary: "The tenant's log as it grows",
    description: `Without \`after\` the newest events; then what follows \`next\`, waiting for it where there is none. ${ADMIN}`,
    parameters: [
      query("after", "`next` of the page before."),
      LIMIT(100),
      query("waitMs", "How long to wait for an event.", { type: "integer", minimum: 0, maximum: 25_000, default: 0 }),
      query("type", "A type, or the beginning of some: `trading.*`."),
      query("user", "Who published it, or whose it is."),
      query("topic", "One under which it is found."),
      query("correlationId", "As it was published with."),
    ],
    responses: { 200: json("LogTail", "A page, oldest first."), ...refusals(400, 401, 403, 410, 429, 503) },
  },
  "GET /api/v1/operations/events": {
    tags: ["Operations"],
    summary: "The whole way of the events with a correlation id",
    description: `When they were stored, to whom they were delivered, and when those acknowledged them. ${ADMIN}`,
    parameters: [
      { ...query("correlationId", "As they were published with."), required: true },
      query("until", "Offset of the newest event to look at.", { type: "integer", minimum: 0 }),
    ],
    responses: { 200: json("EventWays", "The newest of them, oldest first."), ...refusals(400, 401, 403, 410, 503) },
  },
  "GET /api/v1/operations/events/:eventId": {
    tags: ["Operations"],
    summary: "An event's whole way",
    description: `When it was stored, to whom it was delivered, and when those acknowledged it. ${ADMIN}`,
    parameters: [path("eventId", "In any of its spellings.")],
    responses: { 200: json("EventWay", "Its way."), ...refusals(401, 403, 404, 410, 503) },
  },
};

const catalogue: Operation = {
  tags: ["Catalogue"],
  summary: "What may be published and followed",
  description: "Event types with the JSON Schema of their data, and kinds of topics with who may follow them. For whoever is signed in.",
  responses: { 200: json("CatalogueList", "All of it."), ...refusals(401) },
};

const notices: Readonly<Record<string, Operation>> = {
  "GET /api/v1/notices": {
    tags: ["Operations"],
    summary: "What became of alerts that no device acknowledged, newest first",
    description: "Of the own tenant. Needs the permission `stream:admin`.",
    parameters: [
      query("limit", "Notices of the page.", { type: "integer", minimum: 1, maximum: 1000, default: 100 }),
      query("after", "`next` of the page before."),
    ],
    responses: { 200: json("NoticeList", "A page; `next` is null where there is no other."), ...refusals(400, 401, 403, 503) },
  },
};

const streamOperations: Readonly<Record<string, Operation>> = {
  "GET /api/stream/metrics": {
    tags: ["Streams"],
    summary: "How many read event streams",
    description: "For anybody; whose connections they are, with the permission `stream:admin`.",
    security: [{}, { bearer: [] }, { cookie: [] }],
    responses: { 200: json("StreamMetrics", "The counts as of now.") },
  },
  "POST /api/stream/test": {
    tags: ["Streams"],
    summary: "Tells every reader of the own tenant's event streams a `test` event",
    description: "Needs the permission `stream:admin`. In no log, and without an id.",
    requestBody: { ...body("StreamTest"), required: false },
    responses: { 200: json("StreamTested", "How many were told."), ...refusals(400, 401, 403, 413) },
  },
};

const sessions: Readonly<Record<string, Operation>> = {
  "POST /api/session": {
    tags: ["Sessions"],
    summary: "Open a cookie session with a bearer token",
    security: [{ bearer: [] }],
    responses: {
      201: json("OpenedSession", "The cookie `session` vouches from now on.", {
        "Set-Cookie": { description: "HttpOnly, SameSite=Lax, and Secure over TLS.", schema: { type: "string" } },
      }),
      ...refusals(401, 503),
    },
  },
  "DELETE /api/session": {
    tags: ["Sessions"],
    summary: "End the cookie session and the streams that hang on it",
    security: [{ cookie: [] }],
    responses: { 204: empty("It was ended."), ...refusals(401, 503) },
  },
};

const health: Operation = {
  tags: ["Operations"],
  summary: "The process is alive",
  security: [],
  responses: { 200: json("Health", "It is.") },
};

const operations: Readonly<Record<string, Operation>> = {
  "GET /healthz": health,
  "GET /livez": health,
  "GET /readyz": {
    tags: ["Operations"],
    summary: "The log is open and the views are caught up",
    security: [],
    responses: { 200: json("Health", "They are."), ...refusals(503) },
  },
  "GET /metrics": {
    tags: ["Operations"],
    summary: "Figures for Prometheus",
    security: [],
    responses: { 200: text("text/plain", "Prometheus' text format.") },
  },
  "GET /api/v1/openapi.json": {
    tags: ["Operations"],
    summary: "This document",
    security: [],
    responses: { 200: { description: "OpenAPI 3.1.", content: { "application/json": { schema: { type: "object" } } } } },
  },
};

const DESK_ANSWERS: Json = {
  default: { description: "As the dealing desk says it.", content: { "application/json": { schema: { type: "object" } } } },
  ...refusals(401, 413, 502, 503),
};
const DESK_BODY: Json = { content: { "application/json": { schema: { type: "object" } } } };

/** Served in demo mode alone. */
const demo: Readonly<Record<string, Operation>> = {
  "GET /api/demo/users": {
    tags: ["Demo"],
    summary: "Who may sign in without a password",
    security: [],
    responses: { 200: json("DemoUsers", "All of them.") },
  },
  "POST /api/demo/session": {
    tags: ["Demo"],
    summary: "A token of a demo user",
    security: [],
    requestBody: { content: { "application/json": { schema: ref("DemoSignIn") } } },
    responses: { 200: json("DemoSession", "The token."), ...refusals(400, 413, 415) },
  },
  "POST /api/demo/cut": {
    tags: ["Demo"],
    summary: "Break the user's own connections",
    description: "Their sockets end without a word, as if the network had failed. Clients come back by themselves and resume.",
    responses: { 200: json("DemoCut", "They are broken."), ...refusals(401) },
  },
  "POST /api/demo/rfqs": {
    tags: ["Demo"],
    summary: "Ask the demo's dealing desk for prices",
    requestBody: DESK_BODY,
    responses: DESK_ANSWERS,
  },
  "POST /api/demo/rfqs/:id/accept": {
    tags: ["Demo"],
    summary: "Take a quote",
    parameters: [ID],
    requestBody: DESK_BODY,
    responses: DESK_ANSWERS,
  },
  "POST /api/demo/rfqs/:id/cancel": { tags: ["Demo"], summary: "Cancel an RFQ", parameters: [ID], responses: DESK_ANSWERS },
};

export const OPERATIONS: Readonly<Record<string, Operation | { readonly under: Operations }>> = {
  "POST /api/v1/events": publishing,
  "GET /api/v1/topics/*": { under: history },
  ...subscriptions,
  ...connections,
  ...notices,
  ...operators,
  "GET /api/v1/catalogue": catalogue,
  ...sessions,
  ...streamOperations,
  [`GET ${NATIVE_STREAM_PATH}`]: nativeStream,
  [`POST ${NATIVE_STREAM_PATH}/:connectionId/commands`]: {
    tags: ["Streams"],
    summary: "What a client of the native stream says",
    description: "One message or a list of them. They are answered on the stream.",
    parameters: [path("connectionId", "As the stream's `welcome` told it.")],
    requestBody: {
      required: true,
      content: {
        "application/json": {
          schema: { oneOf: [ref("ClientMessage"), { type: "array", items: ref("ClientMessage") }] },
          example: { type: "subscribe", topics: ["symbol:EURUSD"], maxUpdatesPerSecond: 5 },
        },
      },
    },
    responses: { 202: json("AcceptedCommands", "They were taken."), ...refusals(401, 404, 413, 415) },
  },
  ...operations,
  ...demo,
};

/** A stream of a product's, as its surface tells of it. */
export function productStream({ name, about, path: address, isPublic }: StreamSurface): Operation {
  const { summary = name, events = [], query: parameters = {}, places = {} } = about ?? {};
  const operation = streamOperation({ tag: "Streams", summary, events, query: parameters });
  const inPath = address.match(/(?<=:)\w+/g) ?? [];
  return {
    ...operation,
    ...(isPublic === true && { security: [{}, ...(operation.security ?? [])] }),
    parameters: [...inPath.map((each) => path(each, places[each] ?? each)), ...(operation.parameters ?? [])],
    responses: { ...operation.responses, ...(inPath.length > 0 && refusals(404)) },
  };
}

interface Stream {
  readonly tag: string;
  readonly summary: string;
  readonly events: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

function streamOperation({ tag, summary, events, query: parameters }: Stream): Operation {
  const names = events.map((name) => `\`${name}\``).join(", ");
  return {
    tags: [tag],
    summary,
    description: `Server-sent events${names === "" ? "" : `: ${names}`}. The \`id\` of each is the cursor to resume from.`,
    security: [{ bearer: [] }, { cookie: [] }, { token: [] }],
    parameters: [
      ...Object.entries(parameters).map(([name, description]) => query(name, description)),
      query("lastEventId", "Where headers cannot be set: as `Last-Event-ID`."),
      { name: "Last-Event-ID", in: "header", description: "The last event that the client has.", schema: { type: "string" } },
    ],
    responses: { 200: text("text/event-stream", "The stream, which does not end by itself."), ...refusals(400, 401, 403, 429, 503) },
  };
}
