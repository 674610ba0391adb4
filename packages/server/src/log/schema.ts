/**
 * The log's tables, the same in both dialects: SQLite now, PostgreSQL with several nodes.
 *
 * An event costs one row in `events`, and one in `event_ids` where its id can be repeated. Its topics stand in its own row
 * first; `topic_runs` is built from there some thousands of events later, one row a topic (decision 0003).
 */
import { type CompiledQuery, type Generated, type Kysely, type SchemaModule, sql } from "kysely";

export interface LogSchema {
  events: {
    offset: number;
    batch: number;
    stored_at: number;
    tenant: string;
    type: string;
    source: string;
    id: string;
    time: string;
    subject: string | null;
    correlation_id: string;
    /** Ids of its topics, comma separated. */
    topics: string;
    data: string;
  };
  /** Topic names are stored once. A topic lives as long as an event of it. */
  topics: { topic_id: Generated<number>; tenant: string; name: string };
  /** Where a topic's events are, up to `indexedTo`: ascending offsets (runs.ts), the greatest of them is the key. */
  topic_runs: { topic_id: number; last: number; offsets: string };
  /** Idempotency keys: the first event with this id. */
  event_ids: { tenant: string; source: string; id: string; offset: number; batch: number; stored_at: number };
  /** Keys of events that retention took before the deduplication window had passed: they go later, in this order. */
  retired_ids: { offset: number; tenant: string; source: string; id: string; stored_at: number };
  checkpoint_entries: { view: string; tenant: string; entity: string; state: string };
  meta: { key: string; value: string };
}

/**
 * - `epoch`, `opening`: the life of the log (decision 0002)
 * - `head`, `storedAt`: of the newest event that retention took; they count where no event is left
 * - `indexedTo`: topics of every event up to here are in `topic_runs`
 */
export type MetaKey = "epoch" | "opening" | "head" | "storedAt" | "indexedTo" | "checkpointOffset" | "checkpointVersion";

/** The tables, in the order of their creation. */
export function schema(db: Kysely<LogSchema>): CompiledQuery[] {
  return [...eventTables(db.schema), ...otherTables(db.schema)].map((table) => table.compile());
}

function eventTables(create: SchemaModule) {
  return [
    create
      .createTable("events")
      .addColumn("offset", "integer", (column) => column.primaryKey())
      .addColumn("batch", "integer", (column) => column.notNull())
      .addColumn("stored_at", "integer", (column) => column.notNull())
      .addColumn("tenant", "text", (column) => column.notNull())
      .addColumn("type", "text", (column) => column.notNull())
      .addColumn("source", "text", (column) => column.notNull())
      .addColumn("id", "text", (column) => column.notNull())
      .addColumn("time", "text", (column) => column.notNull())
      .addColumn("subject", "text")
      .addColumn("correlation_id", "text", (column) => column.notNull())
      .addColumn("topics", "text", (column) => column.notNull())
      .addColumn("data", "text", (column) => column.notNull()),
    create
      .createTable("topics")
      .addColumn("topic_id", "integer", (column) => column.primaryKey())
      .addColumn("tenant", "text", (column) => column.notNull())
      .addColumn("name", "text", (column) => column.notNull())
      .addUniqueConstraint("topics_name", ["tenant", "name"]),
    create
      .createTable("topic_runs")
      .addColumn("topic_id", "integer", (column) => column.notNull())
      .addColumn("last", "integer", (column) => column.notNull())
      .addColumn("offsets", "text", (column) => column.notNull())
      .addPrimaryKeyConstraint("topic_runs_key", ["topic_id", "last"])
      .modifyEnd(clustered),
  ];
}

function otherTables(create: SchemaModule) {
  return [
    create
      .createTable("event_ids")
      .addColumn("tenant", "text", (column) => column.notNull())
      .addColumn("source", "text", (column) => column.notNull())
      .addColumn("id", "text", (column) => column.notNull())
      .addColumn("offset", "integer", (column) => column.notNull())
      .addColumn("batch", "integer", (column) => column.notNull())
      .addColumn("stored_at", "integer", (column) => column.notNull())
      .addPrimaryKeyConstraint("event_ids_key", ["tenant", "source", "id"])
      .modifyEnd(clustered),
    create
      .createTable("retired_ids")
      .addColumn("offset", "integer", (column) => column.primaryKey())
      .addColumn("tenant", "text", (column) => column.notNull())
      .addColumn("source", "text", (column) => column.notNull())
      .addColumn("id", "text", (column) => column.notNull())
      .addColumn("stored_at", "integer", (column) => column.notNull()),
    create
      .createTable("checkpoint_entries")
      .addColumn("view", "text", (column) => column.notNull())
      .addColumn("tenant", "text", (column) => column.notNull())
      .addColumn("entity", "text", (column) => column.notNull())
      .addColumn("state", "text", (column) => column.notNull())
      .addPrimaryKeyConstraint("checkpoint_entries_key", ["view", "tenant", "entity"])
      .modifyEnd(clustered),
    create
      .createTable("meta")
      .addColumn("key", "text", (column) => column.primaryKey())
      .addColumn("value", "text", (column) => column.notNull()),
  ];
}

/** The table is its primary key's index: one B-tree write a row instead of two. */
const clustered = sql`without rowid`;
