/** Events: publishing them, reading back those of a topic, and what there is to be published and followed. */
import type { Operation, Operations, Paths } from "./operation.ts";
import { empty, json, path, query, ref, refusals } from "./schemas.ts";

const TOPIC = path("topic", "`symbol:EURUSD`, `rfq:{id}`, ...; a slash in it may be escaped or not.");
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

const history: Paths = {
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

const catalogue: Operation = {
  tags: ["Catalogue"],
  summary: "What may be published and followed",
  description: "Event types with the JSON Schema of their data, and kinds of topics with who may follow them. For whoever is signed in.",
  responses: { 200: json("CatalogueList", "All of it."), ...refusals(401) },
};

export const EVENTS: Operations = {
  "POST /api/v1/events": publishing,
  "GET /api/v1/topics/*": { under: history },
  "GET /api/v1/catalogue": catalogue,
};
