/** The registry's tables as each release changed them, for both dialects. */
import type { Kysely } from "kysely";
import { type Migration, type MigrationProvider, Migrator } from "kysely/migration";
import type { RegistrySchema } from "./sql.ts";

/** Brings the tables up to this release. Forward only: what a newer release wrote is refused. `schema`: where a database has several. */
export async function migrate(db: Kysely<RegistrySchema>, schema?: string): Promise<void> {
  const provider: MigrationProvider = { getMigrations: async () => Promise.resolve(MIGRATIONS) };
  const place = schema === undefined ? {} : { migrationTableSchema: schema };
  const { error } = await new Migrator({ db, provider, ...place }).migrateToLatest();
  if (error !== undefined)
    throw error instanceof Error ? error : new Error("the tables cannot be brought up to this release", { cause: error });
}

/** In the order of their names. A migration that was released is never changed. */
const MIGRATIONS: Record<string, Migration> = {
  "0001-sessions-and-cursors": {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable("sessions")
        .addColumn("id_hash", "text", (column) => column.primaryKey())
        .addColumn("user_id", "text", (column) => column.notNull())
        .addColumn("tenant", "text", (column) => column.notNull())
        .addColumn("permissions", "text", (column) => column.notNull())
        .addColumn("team", "text", (column) => column.notNull())
        .addColumn("name", "text")
        .addColumn("created_at", "bigint", (column) => column.notNull())
        .addColumn("expires_at", "bigint", (column) => column.notNull())
        .execute();
      await db.schema.createIndex("sessions_expires_at").on("sessions").column("expires_at").execute();
      await db.schema
        .createTable("cursors")
        .addColumn("tenant", "text", (column) => column.notNull())
        .addColumn("user_id", "text", (column) => column.notNull())
        .addColumn("client_id", "text", (column) => column.notNull())
        .addColumn("surface", "text", (column) => column.notNull())
        .addColumn("acked_offset", "bigint", (column) => column.notNull())
        .addColumn("epoch", "integer", (column) => column.notNull())
        .addColumn("updated_at", "bigint", (column) => column.notNull())
        .addPrimaryKeyConstraint("cursors_key", ["tenant", "user_id", "client_id", "surface"])
        .execute();
    },
  },
  "0002-notices": {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable("notices")
        .addColumn("tenant", "text", (column) => column.notNull())
        .addColumn("event_id", "text", (column) => column.notNull())
        .addColumn("user_id", "text", (column) => column.notNull())
        .addColumn("kind", "text", (column) => column.notNull())
        .addColumn("status", "text", (column) => column.notNull())
        .addColumn("attempts", "integer", (column) => column.notNull())
        .addColumn("last_error", "text")
        .addColumn("claimed_at", "bigint", (column) => column.notNull())
        .addColumn("done_at", "bigint")
        .addPrimaryKeyConstraint("notices_key", ["tenant", "event_id"])
        .execute();
      await db.schema.createIndex("notices_newest").on("notices").columns(["claimed_at", "tenant", "event_id"]).execute();
      await db.schema.createIndex("notices_newest_of_tenant").on("notices").columns(["tenant", "claimed_at", "event_id"]).execute();
    },
  },
  "0003-subscriptions-and-connections": {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable("websocket_connections")
        .addColumn("id", "text", (column) => column.primaryKey())
        .addColumn("tenant_id", "text", (column) => column.notNull())
        .addColumn("user_id", "text", (column) => column.notNull())
        .addColumn("connection_id", "text", (column) => column.notNull().unique())
        .addColumn("client_id", "text")
        .addColumn("socket_id", "text")
        .addColumn("surface", "text", (column) => column.notNull())
        .addColumn("connected_at", "bigint", (column) => column.notNull())
        .addColumn("disconnected_at", "bigint")
        .addColumn("last_activity", "bigint", (column) => column.notNull())
        .addColumn("ip_address", "text", (column) => column.notNull())
        .addColumn("user_agent", "text")
        .addColumn("status", "text", (column) => column.notNull())
        .execute();
      await db.schema.createIndex("websocket_connections_closed").on("websocket_connections").column("disconnected_at").execute();
      await db.schema
        .createTable("websocket_subscriptions")
        .addColumn("id", "text", (column) => column.primaryKey())
        .addColumn("tenant_id", "text", (column) => column.notNull())
        .addColumn("user_id", "text", (column) => column.notNull())
        .addColumn("client_id", "text", (column) => column.notNull())
        .addColumn("connection_id", "text")
        .addColumn("event_types", "text", (column) => column.notNull())
        .addColumn("filters", "text", (column) => column.notNull())
        .addColumn("acked_offset", "bigint", (column) => column.notNull())
        .addColumn("epoch", "integer", (column) => column.notNull())
        .addColumn("subscribed_at", "bigint", (column) => column.notNull())
        .addColumn("updated_at", "bigint", (column) => column.notNull())
        .addColumn("unsubscribed_at", "bigint")
        .addUniqueConstraint("websocket_subscriptions_key", ["tenant_id", "user_id", "client_id"])
        .execute();
      await db.schema
        .createIndex("websocket_subscriptions_newest")
        .on("websocket_subscriptions")
        .columns(["tenant_id", "user_id", "subscribed_at", "id"])
        .execute();
      await db.schema
        .createTable("websocket_pending_events")
        .addColumn("id", "text", (column) => column.notNull())
        .addColumn("subscription_id", "text", (column) => column.notNull())
        .addColumn("log_offset", "bigint", (column) => column.notNull())
        .addColumn("client_id", "text", (column) => column.notNull())
        .addColumn("connection_id", "text")
        .addColumn("event_id", "text", (column) => column.notNull())
        .addColumn("event_type", "text", (column) => column.notNull())
        .addColumn("event_data", "text", (column) => column.notNull())
        .addColumn("sent_at", "bigint", (column) => column.notNull())
        .addColumn("attempts", "integer", (column) => column.notNull())
        .addColumn("acked_at", "bigint")
        .addColumn("expires_at", "bigint", (column) => column.notNull())
        .addPrimaryKeyConstraint("websocket_pending_events_key", ["subscription_id", "log_offset"])
        .execute();
    },
  },
  // Decision 0008: which node holds what, and who took a client over last.
  "0004-nodes": {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable("websocket_subscriptions")
        .addColumn("generation", "bigint", (column) => column.notNull().defaultTo(0))
        .execute();
      for (const table of ["websocket_subscriptions", "websocket_connections", "notices"])
        await db.schema.alterTable(table).addColumn("node", "text").execute();
    },
  },
};
