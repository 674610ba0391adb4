/** The log's statements, written once for both dialects. */
import { type InferResult, type Kysely, sql } from "kysely";
import { EVENT_COLUMNS, INSERT_ROWS } from "./columns.ts";
import type { LogSchema } from "./schema.ts";

/** Stand where a statement takes a parameter. */
const N = 0;
const T = "";

/** A limit that is no parameter. */
const ONE = sql.lit(1);

/** Every statement of the log. Each comment names its parameters in order. */
export function statements(db: Kysely<LogSchema>) {
  return { ...eventStatements(db), ...topicStatements(db), ...idStatements(db), ...stateStatements(db) };
}

function eventStatements(db: Kysely<LogSchema>) {
  const row = {
    offset: N, batch: N, stored_at: N, tenant: T, type: T, source: T, id: T, time: T, subject: T, correlation_id: T, topics: T, data: T,
  }; // prettier-ignore
  const events = db.selectFrom("events");
  const page = events.select(EVENT_COLUMNS).where("offset", ">", N).where("offset", "<=", N).orderBy("offset");
  return {
    /** {@link EVENT_COLUMNS} */
    insertEvent: db.insertInto("events").values(row),
    /** {@link EVENT_COLUMNS}, {@link INSERT_ROWS} times */
    insertEvents: db.insertInto("events").values(Array.from({ length: INSERT_ROWS }, () => row)),
    /** after, until, limit */
    readAll: page.limit(N),
    /** after, until, tenant, limit */
    readTenant: page.where("tenant", "=", T).limit(N),
    /** offset */
    readOne: events.select(EVENT_COLUMNS).where("offset", "=", N),
    /** offset */
    batchOf: events.select("batch").where("offset", "=", N),
    /** after, until: what topics they have */
    topicsBetween: events.select(["offset", "topics"]).where("offset", ">", N).where("offset", "<=", N).orderBy("offset"),
    /** below, limit; newest first */
    idsBelow: events.select(["offset", "tenant", "source", "id"]).where("offset", "<", N).orderBy("offset", "desc").limit(N),
    oldestEvent: events.select("offset").orderBy("offset").limit(ONE),
    newestEvent: events.select(["offset", "stored_at"]).orderBy("offset", "desc").limit(ONE),
    /** until, limit; oldest first */
    readOldest: events
      .select(["offset", "batch", "stored_at", "tenant", "source", "id", "topics"])
      .where("offset", "<=", N)
      .orderBy("offset")
      .limit(N),
    /** until */
    deleteEvents: db.deleteFrom("events").where("offset", "<=", N),
  };
}

function topicStatements(db: Kysely<LogSchema>) {
  return {
    /** tenant, name */
    findTopic: db.selectFrom("topics").select("topic_id").where("tenant", "=", T).where("name", "=", T),
    /** tenant, name */
    insertTopic: db.insertInto("topics").values({ tenant: T, name: T }).returning("topic_id"),
    /** topic_id, topic_id; only where it has no run */
    deleteIdleTopic: db
      .deleteFrom("topics")
      .where("topic_id", "=", N)
      .where((eb) => eb.not(eb.exists(eb.selectFrom("topic_runs").select("last").where("topic_id", "=", N).limit(ONE))))
      .returning(["tenant", "name"]),
    /** topic_id, last, offsets */
    insertRun: db
      .insertInto("topic_runs")
      .values({ topic_id: N, last: N, offsets: T })
      .onConflict((conflict) => conflict.columns(["topic_id", "last"]).doNothing()),
    /** topic_id, after, until, limit */
    readRuns: db
      .selectFrom("topic_runs")
      .select("offsets")
      .where("topic_id", "=", N)
      .where("last", ">", N)
      .where("last", "<=", N)
      .orderBy("last")
      .limit(N),
    /** topic_id, until */
    deleteRuns: db.deleteFrom("topic_runs").where("topic_id", "=", N).where("last", "<=", N),
  };
}

function idStatements(db: Kysely<LogSchema>) {
  return {
    /** tenant, source, id, offset, batch, stored_at; changes nothing where the key exists */
    insertId: db
      .insertInto("event_ids")
      .values({ tenant: T, source: T, id: T, offset: N, batch: N, stored_at: N })
      .onConflict((conflict) => conflict.columns(["tenant", "source", "id"]).doNothing()),
    /** offset, batch, stored_at, tenant, source, id */
    updateId: db
      .updateTable("event_ids")
      .set({ offset: N, batch: N, stored_at: N })
      .where("tenant", "=", T)
      .where("source", "=", T)
      .where("id", "=", T),
    /** tenant, source, id */
    findId: db
      .selectFrom("event_ids")
      .select(["offset", "batch", "stored_at"])
      .where("tenant", "=", T)
      .where("source", "=", T)
      .where("id", "=", T),
    /** tenant, source, id, offset */
    deleteId: db.deleteFrom("event_ids").where("tenant", "=", T).where("source", "=", T).where("id", "=", T).where("offset", "=", N),
    /** offset, tenant, source, id, stored_at */
    insertRetiredId: db.insertInto("retired_ids").values({ offset: N, tenant: T, source: T, id: T, stored_at: N }),
    /** limit; oldest first */
    readRetiredIds: db.selectFrom("retired_ids").selectAll().orderBy("offset").limit(N),
    /** until */
    deleteRetiredIds: db.deleteFrom("retired_ids").where("offset", "<=", N),
  };
}

function stateStatements(db: Kysely<LogSchema>) {
  return {
    /** key */
    getMeta: db.selectFrom("meta").select("value").where("key", "=", T),
    /** key, value */
    setMeta: db
      .insertInto("meta")
      .values({ key: T, value: T })
      .onConflict((conflict) => conflict.column("key").doUpdateSet((eb) => ({ value: eb.ref("excluded.value") }))),
    /** key */
    deleteMeta: db.deleteFrom("meta").where("key", "=", T),
    /** view, tenant, entity, state */
    setEntry: db
      .insertInto("checkpoint_entries")
      .values({ view: T, tenant: T, entity: T, state: T })
      .onConflict((conflict) => conflict.columns(["view", "tenant", "entity"]).doUpdateSet((eb) => ({ state: eb.ref("excluded.state") }))),
    /** view, tenant, entity */
    deleteEntry: db.deleteFrom("checkpoint_entries").where("view", "=", T).where("tenant", "=", T).where("entity", "=", T),
    readEntries: db.selectFrom("checkpoint_entries").selectAll(),
    deleteEntries: db.deleteFrom("checkpoint_entries"),
  };
}

export type Statements = ReturnType<typeof statements>;
export type StatementName = keyof Statements;
/** A row that this statement answers with. */
export type RowOf<Name extends StatementName> = InferResult<Statements[Name]>[number];
