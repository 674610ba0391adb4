/** What operators see of all nodes, and what became of alerts. */
import type { Operations } from "./operation.ts";
import { json, path, query, refusals } from "./schemas.ts";

const ADMIN = "Needs the permission `stream:admin`.";
const LIMIT = (most: number) => query("limit", "At most so many.", { type: "integer", minimum: 1, maximum: 1000, default: most });

const NODE = query("node", "Id or name of one node; without it, all nodes answer.");

const operators: Operations = {
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

const notices: Operations = {
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

export const OPERATORS: Operations = { ...operators, ...notices };
