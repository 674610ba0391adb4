/** Server-sent events: the native stream with its commands, those of products, and who reads them. */
import { NATIVE_STREAM_PATH } from "@broadtape/protocol/native";
import type { StreamSurface } from "../../../engine/surface.ts";
import type { Operation, Operations } from "./operation.ts";
import { body, json, path, query, ref, refusals, text } from "./schemas.ts";

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

export const STREAMS: Operations = {
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
    responses: { 202: json("AcceptedCommands", "They were taken."), ...refusals(401, 404, 413, 415, 503) },
  },
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
