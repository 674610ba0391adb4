/** The schemas of the HTTP API by name, and the words in which operations speak of them. */
import { STATUS_CODES } from "node:http";
import { jsonSchemaOf } from "@broadtape/protocol/catalogue";
import { eventEnvelope } from "@broadtape/protocol/event";
import { clientMessage } from "@broadtape/protocol/native";
import * as operations from "@broadtape/protocol/operations";
import * as rest from "@broadtape/protocol/rest";
import type { z } from "zod";

const NAMED = {
  AcceptedCommands: rest.acceptedCommands,
  CatalogueList: operations.catalogueList,
  ClientMessage: clientMessage,
  ConnectionList: rest.connectionList,
  NoticeList: rest.noticeList,
  DemoCut: rest.demoCut,
  DemoSession: rest.demoSession,
  DemoSignIn: rest.demoSignIn,
  DemoUsers: rest.demoUsers,
  EventEnvelope: eventEnvelope,
  EventWay: operations.eventWay,
  EventWays: operations.eventWays,
  Health: rest.healthState,
  HistoryPage: rest.historyPage,
  HttpError: rest.httpErrorBody,
  LatencyHistogram: operations.latencyHistogram,
  LimitHits: operations.limitHits,
  LogTail: operations.logTail,
  OperationsHistory: operations.operationsHistory,
  OperationsSummary: operations.operationsSummary,
  RefusedOutbox: operations.refusedOutbox,
  ViewsComparison: operations.viewsComparison,
  OpenedSession: rest.openedSession,
  PublishAnswer: rest.publishAnswer,
  PublishRefusals: operations.publishRefusals,
  StreamMetrics: rest.streamMetrics,
  StreamTest: rest.streamTest,
  StreamTested: rest.streamTested,
  Subscription: rest.subscriptionState,
  SubscriptionChange: rest.subscriptionChange,
  SubscriptionCreation: rest.subscriptionCreation,
  SubscriptionList: rest.subscriptionList,
  TopicRates: operations.topicRates,
  TopicSnapshot: rest.topicSnapshot,
} as const satisfies Record<string, z.ZodType>;

export type SchemaName = keyof typeof NAMED;

export type Json = { readonly [key: string]: unknown };

export const namedSchemas = (): Json => Object.fromEntries(Object.entries(NAMED).map(([name, schema]) => [name, schemaText(schema)]));

/** JSON Schema of a part of the document: it says itself which draft it is of. */
export function schemaText(schema: z.ZodType): Json {
  return withoutNoise(jsonSchemaOf(schema)) as Json;
}

/** Times are said by their format; the pattern that makes sure of leap days helps no reader. */
function withoutNoise(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutNoise);
  const isTime = "format" in value && value.format === "date-time";
  const kept = Object.entries(value).filter(([key]) => key !== "$schema" && !(isTime && key === "pattern"));
  return Object.fromEntries(kept.map(([key, each]) => [key, withoutNoise(each)]));
}

export const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** What an operation answers with where all is well. */
export function json(name: SchemaName, description: string, headers?: Json): Json {
  return {
    description,
    headers: { ...CORRELATION, ...headers },
    content: { "application/json": { schema: ref(name) } },
  };
}

/** A body that must be there. */
export function body(name: SchemaName, example?: unknown): Json {
  return { required: true, content: { "application/json": { schema: ref(name), ...(example !== undefined && { example }) } } };
}

export const empty = (description: string): Json => ({ description, headers: CORRELATION });

export const text = (mediaType: string, description: string): Json => ({
  description,
  headers: CORRELATION,
  content: { [mediaType]: { schema: { type: "string" } } },
});

type RefusalStatus = keyof typeof REFUSALS;

/** The refusals that an operation may answer with. */
export function refusals(...statuses: readonly RefusalStatus[]): Json {
  return Object.fromEntries(statuses.map((status) => [String(status), { $ref: `#/components/responses/${nameOf(status)}` }]));
}

export const query = (name: string, description: string, schema: Json = { type: "string" }): Json => ({
  name,
  in: "query",
  description,
  schema,
});
export const path = (name: string, description: string): Json => ({
  name,
  in: "path",
  required: true,
  description,
  schema: { type: "string" },
});

const CORRELATION: Json = { "X-Correlation-ID": { $ref: "#/components/headers/CorrelationId" } };
const RETRY: Json = { ...CORRELATION, "Retry-After": { $ref: "#/components/headers/RetryAfter" } };

const REFUSALS = {
  400: "The request is not valid; the message names what is wrong with it.",
  401: "No credential, or one that does not hold.",
  403: "The credential does not allow it.",
  404: "There is none, or it is somebody else's.",
  410: "Older than the log is kept.",
  413: "The body is too large.",
  415: "The body is of a type that is not taken.",
  422: "An event of the batch is not valid; nothing was stored.",
  429: "A limit is reached.",
  502: "What stands behind it did not answer as it should.",
  503: "Not now; come back later.",
} as const;

function nameOf(status: number): string {
  return (STATUS_CODES[status] ?? String(status)).replace(/\W/g, "");
}

export const refusalResponses = (): Json =>
  Object.fromEntries(
    Object.entries(REFUSALS).map(([status, description]) => {
      const headers = status === "429" || status === "503" ? RETRY : CORRELATION;
      return [nameOf(Number(status)), { description, headers, content: { "application/json": { schema: ref("HttpError") } } }];
    }),
  );
