/**
 * What operators ask of a running server: answers of `/api/v1/operations` and `/api/v1/catalogue` as schemas (contract
 * 00-common: the permission `stream:admin`). Figures are of all nodes, or of the one that `node` names; names, events and users
 * of the own tenant alone.
 */
import { z } from "zod";

/** ISO 8601 in UTC, with milliseconds. */
const timestamp = z.iso.datetime({ precision: 3 });
const count = z.number().int().min(0);
const figure = z.number().min(0);
const eventId = z.string().describe("Id of an event, which is a cursor.");

const counters = {
  published: count.describe("Events stored."),
  duplicates: count.describe("Events that were stored before."),
  refused: count.describe("Publishing requests refused."),
  delivered: count.describe("Messages handed to connections."),
  writes: count,
  bytes: count.describe("About how many bytes were handed to connections, before compression."),
  conflated: count.describe("Values that a newer one replaced before they were sent."),
  paused: count.describe("Times a lossless lane fell back on the log."),
  replayed: count.describe("Messages sent out of the ring or the log."),
  resynced: count.describe("Cursors that could not be resumed."),
  redelivered: count.describe("Events sent again because their ack did not come."),
  pendingLost: count.describe("Events that waited for an ack until the log forgot them."),
  dropped: count.describe("Connections ended by the server."),
};

const nodeName = z.string().describe("What people call the node: `BROADTAPE_NODE`.");
const nodeId = z.string().describe("Of the process: made up at each start.");

/** Nodes that run and did not answer in time: what they know is missing from the answer. Absent where all answered. */
const unanswered = z
  .array(z.looseObject({ id: nodeId, name: nodeName }))
  .exactOptional()
  .describe("Nodes that did not answer in time, so that what they know is missing here; absent where all did.");

const node = {
  version: z.string(),
  startedAt: timestamp,
  uptimeMs: count,
  at: timestamp.describe("When this was read, by the server's clock."),
  isReady: z.boolean(),
  wire: z
    .enum(["none", "connecting", "connected", "closed"])
    .describe("What carries stored events between nodes: `connecting` while it is away, and nodes look into the log."),
  clockOffsetMs: z
    .number()
    .nullable()
    .describe("How far its own clock is ahead of the database's, which it goes by; null where there is none."),
};

const unsure = count.nullable();

/** A node at a glance, for the list of all. */
export const nodeState = z.looseObject({
  id: nodeId,
  name: nodeName,
  status: z
    .enum(["ready", "not ready", "silent", "gone"])
    .describe("`silent`: it did not answer in time. `gone`: it left, or was not seen for too long, in the last ten minutes."),
  goneAt: timestamp.nullable(),
  figures: z
    .looseObject({
      ...node,
      uptimeMs: unsure,
      connections: unsure,
      users: unsure,
      paused: unsure,
      queuedBytes: unsure,
      topics: unsure,
      eventLoop: figure.nullable().describe("0 to 1."),
      rssBytes: unsure,
      heapUsedBytes: unsure,
      routedTo: unsure.describe("Newest offset that its followers were told of."),
      lagEvents: unsure.describe("How far that is behind the newest offset that any node knows."),
    })
    .nullable()
    .describe("Null where it does not answer. A figure is null where a node of another release does not tell it."),
});

/** `GET /api/v1/operations` */
export const operationsSummary = z.looseObject({
  node: z.looseObject({ id: nodeId, name: nodeName, ...node }).describe("The node that answered, or that was asked for."),
  nodes: z.array(nodeState).describe("All of them, by name."),
  log: z.looseObject({
    epoch: count.describe("Mark of the log's life."),
    headOffset: count.describe("Newest durable offset."),
    headAt: timestamp.nullable(),
    oldestOffset: count.describe("Oldest offset that can be read."),
    routedTo: count.describe("Newest offset that followers of every node were told of."),
    lagEvents: count.describe("Durable events that were not routed yet; of the node that is furthest behind."),
    checkpointOffset: count.describe("Offset that a start need not fold."),
    retention: z.looseObject({ maxAgeMs: figure, maxBytes: figure.nullable().describe("Null without a limit.") }),
  }),
  process: z.looseObject({
    eventLoop: figure.describe(
      "Share of time in which the event loop was busy, 0 to 1, over the newest sample of the history; of the busiest node.",
    ),
    rssBytes: count,
    heapUsedBytes: count,
    heapLimitBytes: count,
  }),
  connections: z.looseObject({
    all: count.describe("Of all tenants."),
    users: count.describe("Users with an open connection; who has some on two nodes counts twice."),
    ofTenant: count,
    bySurface: z.array(z.looseObject({ surface: z.string(), all: count, ofTenant: count })),
    paused: count.describe("Those whose lossless lane reads the log."),
    queuedBytes: count.describe("Bytes that wait for connections."),
    heldValues: count.describe("Conflated values that wait."),
  }),
  topics: z.looseObject({ all: count.describe("Topics that somebody follows, on each node."), ofTenant: count }),
  ringBytes: count.describe("Bytes of messages kept for resume."),
  counters: z.looseObject(counters).describe("Since the start."),
  droppedByCode: z.record(z.string(), count),
});

const quantiles = {
  p50Ms: figure.nullable().describe("Null where nothing was written."),
  p99Ms: figure.nullable(),
  maxMs: figure.nullable(),
};

/**
 * One point of the history: what happened since the one before it, and how things stood at its end. Its own latencies are from publish
 * to write.
 */
export const operationsSample = z.looseObject({
  at: timestamp.describe("Its end."),
  ms: figure.describe("How long it lasted."),
  ...counters,
  ...quantiles,
  stored: z
    .looseObject(quantiles)
    .exactOptional()
    .describe("From the log's stamp to the write, of what any node stored; absent where it is not known."),
  connections: count,
  users: count,
  pausedConnections: count,
  queuedBytes: count,
  heldValues: count,
  lagEvents: count,
  eventLoop: figure.describe("0 to 1."),
  rssBytes: count,
  nodes: count.exactOptional().describe("How many nodes it is of; absent where it is of one."),
});

/** `GET /api/v1/operations/history`: at most the last hour, oldest first. */
export const operationsHistory = z.looseObject({
  sampleMs: count.describe("A sample is taken so often."),
  samples: z.array(operationsSample),
  unanswered,
});

/** `GET /api/v1/operations/topics`: those of the own tenant that are told the most, by rate. */
export const topicRates = z.looseObject({
  measuredMs: count.describe("Over how long rates were measured; 0 in the first answer after nobody asked for a while."),
  followed: count.describe("Topics of the tenant that somebody follows; at least so many, where they are of several nodes."),
  topics: z.array(
    z.looseObject({
      topic: z.string(),
      followers: count,
      told: count.describe("Messages told on it since it was first followed, on the node where they are the most."),
      perSecond: figure.nullable().describe("Null where it was not measured yet."),
    }),
  ),
  unanswered,
});

const latencyBuckets = {
  count,
  ...quantiles,
  buckets: z.array(
    z.looseObject({
      fromMs: figure,
      toMs: figure.nullable().describe("Exclusive; null in the last."),
      count: count.describe("Of it alone."),
    }),
  ),
};

/** `GET /api/v1/operations/latency`: how long messages took to be written to their receivers, once per message. */
export const latencyHistogram = z.looseObject({
  windowMs: count.describe("Over the last so many milliseconds at most."),
  ...latencyBuckets,
  stored: z
    .looseObject(latencyBuckets)
    .exactOptional()
    .describe(
      "From the log's stamp to the write, whichever node stored the event: what clients see of the servers, as true as nodes' clocks agree. " +
        "The other figures are from the publisher's request to the write at the node that took it, by one clock. Absent where it is not known.",
    ),
  unanswered,
});

/** `GET /api/v1/operations/refusals`: publishing requests of the own tenant that were refused, newest first. */
export const publishRefusals = z.looseObject({
  refusals: z.array(
    z.looseObject({
      at: timestamp,
      userId: z.string().describe("Who published."),
      correlationId: z.string(),
      statusCode: count.describe("As it was answered over HTTP."),
      reason: z.string(),
      events: count.nullable().describe("Of the request; null where it could not be read."),
      type: z.string().nullable().describe("Of the first event with a fault, as it was written."),
      faults: z.array(z.looseObject({ index: count, path: z.string(), message: z.string() })).describe("The first of them."),
      more: count.describe("Faults that are not listed."),
      node: nodeName,
    }),
  ),
  unanswered,
});

/** `GET /api/v1/operations/limits`: limits that connections of the own tenant hit, newest first; what repeats stands in one entry. */
export const limitHits = z.looseObject({
  limits: z.array(
    z.looseObject({
      code: z.string().describe("`RATE_LIMITED`, `LIMIT_REACHED`, `SLOW_CONSUMER`; `PAUSED` where a lossless lane fell back on the log."),
      message: z.string(),
      at: timestamp.describe("When it was first hit."),
      lastAt: timestamp,
      count: count.describe("How often until `lastAt`."),
      userId: z.string(),
      connectionId: z.string().nullable().describe("Null where none was opened."),
      surface: z.string().nullable(),
      node: nodeName,
    }),
  ),
  slow: z
    .array(
      z.looseObject({
        connectionId: z.string(),
        userId: z.string(),
        surface: z.string(),
        queuedBytes: count,
        paused: z.boolean(),
        stuckMs: figure.nullable().describe("How long the connection has taken nothing."),
        awaitsAcksMs: figure.nullable().describe("How long events have waited for acks of those before them."),
        node: nodeName,
      }),
    )
    .describe("Connections that do not keep up now, the longest first; at most 100."),
  unanswered,
});

/** An event of the log as operators see it. */
export const loggedEvent = z.looseObject({
  eventId,
  offset: count,
  batch: count.describe("Offset of the first event of its publish batch."),
  type: z.string(),
  source: z.string().describe("As published; without it, the user who published."),
  id: z.string(),
  subject: z.string().nullable(),
  time: z.string().describe("When it happened, as published."),
  storedAt: timestamp,
  correlationId: z.string(),
  topics: z.array(z.string()).describe("Under which it is found."),
  data: z.unknown().describe("Values under keys that look like secrets are hidden."),
});

/** `GET /api/v1/operations/tail`: the log of the own tenant, oldest first. */
export const logTail = z.looseObject({
  events: z.array(loggedEvent),
  next: eventId.describe("The next page begins after it: ask again with `after`."),
  complete: z.boolean().describe("Whether this was all until now."),
  resync: z
    .looseObject({ reason: z.enum(["unknown", "expired"]) })
    .optional()
    .describe("The given cursor is none of this log, or older than it is kept; the page begins with the oldest event."),
});

export const eventDelivery = z.looseObject({
  node: nodeName,
  connectionId: z.string(),
  userId: z.string(),
  clientId: z.string().nullable(),
  surface: z.string(),
  delivery: z.enum(["lossless", "conflated"]),
  attempt: count.describe("Which sending of a lossless event it was, where acks are waited for; else 1."),
  replaced: count.describe("How many older values it stood for too."),
  writtenAt: timestamp.describe("When it was handed to the connection."),
  ackedAt: timestamp.nullable().describe("When that connection acknowledged it; null where it did not, or need not."),
});

const way = {
  event: loggedEvent,
  deliveries: z.array(eventDelivery).describe("In the order in which they were written; the first 1,000."),
  deliveriesTotal: count,
};

const ledger = z.looseObject({
  since: timestamp.describe("Deliveries since then are remembered, by every node."),
  complete: z
    .boolean()
    .describe(
      "False where events are older than that, or a node did not answer, so that there may have been deliveries that are not listed.",
    ),
});

/** `GET /api/v1/operations/events/{eventId}`: an event's whole way. */
export const eventWay = z.looseObject({ ...way, ledger, unanswered });

/** `GET /api/v1/operations/events?correlationId=`: the newest events with it, oldest first. */
export const eventWays = z.looseObject({
  correlationId: z.string(),
  ways: z.array(z.looseObject(way)),
  searched: z
    .looseObject({ fromOffset: count, toOffset: count, complete: z.boolean() })
    .describe("What of the log was looked through, newest first; complete where it was all of it."),
  ledger,
  unanswered,
});

/** The views of one node after an offset. */
const viewsState = z.looseObject({
  offset: count.describe("The states are those after exactly this event."),
  folds: z.string().describe("Names the code that folds; where it is another, states may differ."),
  views: z.record(
    z.string(),
    z.looseObject({
      entities: count,
      checksum: z.string().describe("Of all their states, in no order: 64 bits as 16 hexadecimal digits."),
    }),
  ),
});

/** `GET /api/v1/operations/views`: whether all nodes hold the same. */
export const viewsComparison = z.looseObject({
  agree: z
    .boolean()
    .nullable()
    .describe("True where all stand at one offset and hold the same, false where two at one offset do not; else null."),
  offset: count.nullable().describe("The offset at which all stand; null where they stand at different ones."),
  nodes: z.array(
    z.looseObject({
      id: nodeId,
      name: nodeName,
      ...viewsState.shape,
      agrees: z.boolean().nullable().describe("With most of those at its offset; null where it stands there alone."),
    }),
  ),
  unanswered,
});

/** `GET /api/v1/operations/outbox`: batches of the own tenant that services staged in their own transactions and that were refused. */
export const refusedOutbox = z.looseObject({
  exists: z.boolean().describe("False where services cannot stage anything, because log and services share no database."),
  waiting: count.describe("Batches of all tenants that wait to be moved into the log."),
  waitingSeconds: figure.describe("For how long the oldest of them has waited."),
  refused: z.array(
    z.looseObject({
      seq: count,
      key: z.string().describe("Of this batch alone: the default of its events' correlation id."),
      role: z.string().describe("The database's role that staged it."),
      source: z.string(),
      stagedAt: z.string(),
      refusedAt: z.string(),
      events: count.nullable().describe("Null where they are no list."),
      statusCode: count.describe("What its publisher would have been answered over HTTP, as what follows."),
      reason: z.string(),
      faults: z.array(z.looseObject({ index: count, path: z.string(), message: z.string() })).describe("The first of them."),
      more: count.describe("Faults that are not listed."),
    }),
  ),
  next: count.nullable().describe("For `before` of the next page; null where there is none."),
});

/** `GET /api/v1/catalogue`: what may be published and followed. */
export const catalogueList = z.looseObject({
  types: z.array(
    z.looseObject({
      type: z.string(),
      product: z.string(),
      description: z.string().nullable(),
      isInternal: z.boolean().describe("Published by the server alone."),
      schema: z.record(z.string(), z.unknown()).describe("JSON Schema (draft 2020-12) of its data."),
    }),
  ),
  topics: z.array(
    z.looseObject({
      kind: z.string(),
      product: z.string(),
      name: z.string().describe("How its topics are written: `symbol:{symbol}`."),
      description: z.string().nullable(),
      who: z.string().nullable().describe("Who may follow it."),
      lossless: z.boolean().describe("Every event, in order; else the newest value of each key."),
      mayFollowPatterns: z.boolean().describe("Whether the asking user may follow `*` patterns of it."),
      filterable: z.array(z.string()).describe("Fields of an event's data that a subscription may filter by."),
    }),
  ),
});

export type OperationsSummary = z.infer<typeof operationsSummary>;
export type NodeState = z.infer<typeof nodeState>;
export type OperationsSample = z.infer<typeof operationsSample>;
export type OperationsHistory = z.infer<typeof operationsHistory>;
export type TopicRates = z.infer<typeof topicRates>;
export type LatencyBuckets = Pick<LatencyHistogram, keyof typeof latencyBuckets>;
export type LatencyHistogram = z.infer<typeof latencyHistogram>;
export type PublishRefusals = z.infer<typeof publishRefusals>;
export type PublishRefusal = PublishRefusals["refusals"][number];
export type LimitHits = z.infer<typeof limitHits>;
export type LimitHit = LimitHits["limits"][number];
export type SlowConsumer = LimitHits["slow"][number];
export type LoggedEvent = z.infer<typeof loggedEvent>;
export type LogTail = z.infer<typeof logTail>;
export type EventDelivery = z.infer<typeof eventDelivery>;
export type EventWay = z.infer<typeof eventWay>;
export type EventWays = z.infer<typeof eventWays>;
export type ViewsState = z.infer<typeof viewsState>;
export type ViewsComparison = z.infer<typeof viewsComparison>;
export type RefusedOutbox = z.infer<typeof refusedOutbox>;
export type CatalogueList = z.infer<typeof catalogueList>;
