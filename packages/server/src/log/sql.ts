/** The log's tables and statements, written once for both dialects: SQLite now, PostgreSQL with several nodes. */
import { type CompiledQuery, type Dialect, DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, sql } from "kysely";

export interface LogSchema {
  /** One row an event. `topics`: the ids of its topics, comma separated, so that retention finds their index rows. */
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
    topics: string;
    data: string;
  };
  /** Topic names are stored once. */
  topics: { topic_id: number; tenant: string; name: string };
  event_topics: { topic_id: number; offset: number };
  /** Idempotency keys. */
  event_ids: { tenant: string; source: string; id: string; offset: number; stored_at: number };
  checkpoint_entries: { view: string; tenant: string; entity: string; state: string };
  meta: { key: string; value: string };
}

export const EVENT_COLUMNS = [
  "offset",
  "batch",
  "stored_at",
  "tenant",
  "type",
  "source",
  "id",
  "time",
  "subject",
  "correlation_id",
  "topics",
  "data",
] as const;

/** A builder that only compiles: the SQLite adapter prepares its statements once and runs them in its own threads. */
export function sqliteCompiler(): Kysely<LogSchema> {
  const dialect: Dialect = {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
  return new Kysely<LogSchema>({ dialect });
}

/** The tables, in the order of their creation. */
export function schema(db: Kysely<LogSchema>): CompiledQuery[] {
  const create = (table: keyof LogSchema) => db.schema.createTable(table).ifNotExists();
  const clustered = sql`without rowid`;
  return [
    create("events")
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
    create("topics")
      .addColumn("topic_id", "integer", (column) => column.primaryKey())
      .addColumn("tenant", "text", (column) => column.notNull())
      .addColumn("name", "text", (column) => column.notNull())
      .addUniqueConstraint("topics_name", ["tenant", "name"]),
    create("event_topics")
      .addColumn("topic_id", "integer", (column) => column.notNull())
      .addColumn("offset", "integer", (column) => column.notNull())
      .addPrimaryKeyConstraint("event_topics_key", ["topic_id", "offset"])
      .modifyEnd(clustered),
    create("event_ids")
      .addColumn("tenant", "text", (column) => column.notNull())
      .addColumn("source", "text", (column) => column.notNull())
      .addColumn("id", "text", (column) => column.notNull())
      .addColumn("offset", "integer", (column) => column.notNull())
      .addColumn("stored_at", "integer", (column) => column.notNull())
      .addPrimaryKeyConstraint("event_ids_key", ["tenant", "source", "id"])
      .modifyEnd(clustered),
    create("checkpoint_entries")
      .addColumn("view", "text", (column) => column.notNull())
      .addColumn("tenant", "text", (column) => column.notNull())
      .addColumn("entity", "text", (column) => column.notNull())
      .addColumn("state", "text", (column) => column.notNull())
      .addPrimaryKeyConstraint("checkpoint_entries_key", ["view", "tenant", "entity"])
      .modifyEnd(clustered),
    create("meta")
      .addColumn("key", "text", (column) => column.primaryKey())
      .addColumn("value", "text", (column) => column.notNull()),
  ].map((table) => table.compile());
}

/** Stands where a statement takes a parameter; the order of parameters is the order in the builder call. */
const N = 0;
const T = "";

/** Every statement of the log. Parameters in the order of their names in the comments. */
export function statements(db: Kysely<LogSchema>) {
  const key = (eb: Kysely<LogSchema>) => eb.selectFrom("event_ids").where("tenant", "=", T).where("source", "=", T).where("id", "=", T);
  return {
    /** the columns of {@link EVENT_COLUMNS} in order */
    insertEvent: db.insertInto("events").values({
      offset: N, batch: N, stored_at: N, tenant: T, type: T, source: T, id: T, time: T, subject: T, correlation_id: T, topics: T, data: T,
    }), // prettier-ignore
    /** topic_id, offset */
    insertEventTopic: db.insertInto("event_topics").values({ topic_id: N, offset: N }),
    /** tenant, source, id, offset, stored_at; does nothing where the key exists */
    insertEventId: db
      .insertInto("event_ids")
      .values({ tenant: T, source: T, id: T, offset: N, stored_at: N })
      .onConflict((conflict) => conflict.columns(["tenant", "source", "id"]).doNothing()),
    /** offset, stored_at, tenant, source, id */
    updateEventId: db
      .updateTable("event_ids")
      .set({ offset: N, stored_at: N })
      .where("tenant", "=", T)
      .where("source", "=", T)
      .where("id", "=", T),
    /** tenant, source, id */
    findEventId: key(db).select(["offset", "stored_at"]),
    /** tenant, source, id, offset */
    deleteEventId: db.deleteFrom("event_ids").where("tenant", "=", T).where("source", "=", T).where("id", "=", T).where("offset", "=", N),
    /** tenant, name */
    insertTopic: db
      .insertInto("topics")
      .values({ tenant: T, name: T } as { topic_id: number; tenant: string; name: string })
      .returning("topic_id"),
    /** tenant, name */
    findTopic: db.selectFrom("topics").select("topic_id").where("tenant", "=", T).where("name", "=", T),
    /** topic_id, topic_id: removes the name of a topic that has no event left */
    deleteIdleTopic: db
      .deleteFrom("topics")
      .where("topic_id", "=", N)
      .where(({ not, exists, selectFrom }) => not(exists(selectFrom("event_topics").select("offset").where("topic_id", "=", N).limit(1)))),
    /** after, until, limit */
    readAll: db.selectFrom("events").select(EVENT_COLUMNS).where("offset", ">", N).where("offset", "<=", N).orderBy("offset").limit(N),
    /** after, until, tenant, limit */
    readTenant: db
      .selectFrom("events")
      .select(EVENT_COLUMNS)
      .where("offset", ">", N)
      .where("offset", "<=", N)
      .where("tenant", "=", T)
      .orderBy("offset")
      .limit(N),
    /** topic_id, after, until, limit */
    readTopicOffsets: db
      .selectFrom("event_topics")
      .select("offset")
      .where("topic_id", "=", N)
      .where("offset", ">", N)
      .where("offset", "<=", N)
      .orderBy("offset")
      .limit(N),
    /** offset */
    readOne: db.selectFrom("events").select(EVENT_COLUMNS).where("offset", "=", N),
    /** no parameters */
    bounds: db
      .selectFrom("events")
      .select(({ fn }) => [
        fn.min<number | null>("offset").as("oldest"),
        fn.max<number | null>("offset").as("head"),
        fn.max<number | null>("stored_at").as("storedAt"),
      ]),
    /** until, limit: the oldest events, for retention */
    readOldest: db
      .selectFrom("events")
      .select(["offset", "stored_at", "tenant", "source", "id", "topics"])
      .where("offset", "<=", N)
      .orderBy("offset")
      .limit(N),
    /** offset */
    deleteUpTo: db.deleteFrom("events").where("offset", "<=", N),
    /** topic_id, offset */
    deleteEventTopic: db.deleteFrom("event_topics").where("topic_id", "=", N).where("offset", "=", N),
    /** key */
    getMeta: db.selectFrom("meta").select("value").where("key", "=", T),
    /** key, value */
    setMeta: db
      .insertInto("meta")
      .values({ key: T, value: T })
      .onConflict((conflict) => conflict.column("key").doUpdateSet((eb) => ({ value: eb.ref("excluded.value") }))),
    /** view, tenant, entity, state */
    setCheckpointEntry: db
      .insertInto("checkpoint_entries")
      .values({ view: T, tenant: T, entity: T, state: T })
      .onConflict((conflict) => conflict.columns(["view", "tenant", "entity"]).doUpdateSet((eb) => ({ state: eb.ref("excluded.state") }))),
    /** view, tenant, entity */
    deleteCheckpointEntry: db.deleteFrom("checkpoint_entries").where("view", "=", T).where("tenant", "=", T).where("entity", "=", T),
    readCheckpointEntries: db.selectFrom("checkpoint_entries").selectAll(),
    dropCheckpointEntries: db.deleteFrom("checkpoint_entries"),
    /** key */
    deleteMeta: db.deleteFrom("meta").where("key", "=", T),
  };
}

export type StatementName = keyof ReturnType<typeof statements>;
