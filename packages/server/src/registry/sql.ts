/** The registry's tables and statements, written once for both dialects: SQLite now, PostgreSQL with several nodes. */
import { type ColumnType, type Kysely, type Selectable, sql } from "kysely";
import { noticeStatements, type NoticesTable } from "./notices.ts";
import type { CookieSession, DurableCursor, Registry } from "./registry.ts";
import { connectionStatements, type ConnectionsTable } from "./sql-connections.ts";
import { type PendingEventsTable, subscriptionStatements, type SubscriptionsTable } from "./sql-subscriptions.ts";

/** Written once, never changed. */
type Fixed<T> = ColumnType<T, T, never>;

export interface RegistrySchema {
  sessions: {
    id_hash: Fixed<string>;
    user_id: Fixed<string>;
    tenant: Fixed<string>;
    /** JSON arrays of strings. */
    permissions: Fixed<string>;
    team: Fixed<string>;
    name: Fixed<string | null>;
    created_at: Fixed<number>;
    expires_at: Fixed<number>;
  };
  cursors: {
    tenant: Fixed<string>;
    user_id: Fixed<string>;
    client_id: Fixed<string>;
    surface: Fixed<string>;
    acked_offset: number;
    epoch: number;
    updated_at: number;
  };
  notices: NoticesTable;
  websocket_connections: ConnectionsTable;
  websocket_subscriptions: SubscriptionsTable;
  websocket_pending_events: PendingEventsTable;
}

/** Rows of one statement: seven values each stay well below what either database takes. */
const ROWS = 1000;

export type SqlRegistry = Omit<Registry, "close">;

export function createSqlRegistry(db: Kysely<RegistrySchema>): SqlRegistry {
  return {
    async saveSession(session) {
      await db.insertInto("sessions").values(rowOf(session)).execute();
    },

    async findSession(idHash) {
      const row = await db.selectFrom("sessions").selectAll().where("id_hash", "=", idHash).executeTakeFirst();
      return row === undefined ? undefined : sessionOf(row);
    },

    async endSession(idHash) {
      const { numDeletedRows } = await db.deleteFrom("sessions").where("id_hash", "=", idHash).executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },

    async sweepSessions(now) {
      const { numDeletedRows } = await db.deleteFrom("sessions").where("expires_at", "<", now).executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },

    async saveCursors(cursors) {
      const rows = newestOf(cursors).map(cursorRowOf);
      await db.transaction().execute(async (transaction) => {
        for (let index = 0; index < rows.length; index += ROWS) await upsertCursors(transaction, rows.slice(index, index + ROWS));
      });
    },

    async findCursor({ tenant, userId, clientId, surface }) {
      const row = await db
        .selectFrom("cursors")
        .selectAll()
        .where("tenant", "=", tenant)
        .where("user_id", "=", userId)
        .where("client_id", "=", clientId)
        .where("surface", "=", surface)
        .executeTakeFirst();
      return row === undefined ? undefined : cursorOf(row);
    },

    ...noticeStatements(db),
    ...subscriptionStatements(db),
    ...connectionStatements(db),
  };
}

async function upsertCursors(db: Kysely<RegistrySchema>, rows: readonly Selectable<RegistrySchema["cursors"]>[]): Promise<void> {
  // Within an epoch an ack never moves back; another epoch starts anew.
  const isAhead = sql<boolean>`excluded.epoch <> cursors.epoch or excluded.acked_offset > cursors.acked_offset`;
  await db
    .insertInto("cursors")
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(["tenant", "user_id", "client_id", "surface"]).doUpdateSet((eb) => ({
        acked_offset: eb.case().when(isAhead).then(eb.ref("excluded.acked_offset")).else(eb.ref("cursors.acked_offset")).end(),
        epoch: eb.ref("excluded.epoch"),
        updated_at: eb.ref("excluded.updated_at"),
      })),
    )
    .execute();
}

/** One cursor a key, since a statement may touch a row only once; in one order, so that nodes that save the same wait for each other in it. */
function newestOf(cursors: readonly DurableCursor[]): DurableCursor[] {
  const newest = new Map<string, DurableCursor>();
  for (const cursor of cursors) {
    const key = JSON.stringify([cursor.tenant, cursor.userId, cursor.clientId, cursor.surface]);
    const before = newest.get(key);
    const ackedOffset = before?.epoch === cursor.epoch ? Math.max(before.ackedOffset, cursor.ackedOffset) : cursor.ackedOffset;
    newest.set(key, { ...cursor, ackedOffset });
  }
  return [...newest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, cursor]) => cursor);
}

function rowOf(session: CookieSession): Selectable<RegistrySchema["sessions"]> {
  return {
    id_hash: session.idHash,
    user_id: session.userId,
    tenant: session.tenant,
    permissions: JSON.stringify(session.permissions),
    team: JSON.stringify(session.team),
    name: session.name ?? null,
    created_at: session.createdAt,
    expires_at: session.expiresAt,
  };
}

function sessionOf(row: Selectable<RegistrySchema["sessions"]>): CookieSession {
  return {
    idHash: row.id_hash,
    userId: row.user_id,
    tenant: row.tenant,
    permissions: stringsOf(row.permissions),
    team: stringsOf(row.team),
    name: row.name ?? undefined,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

/** What {@link rowOf} wrote. */
function stringsOf(json: string): string[] {
  return JSON.parse(json) as string[];
}

function cursorRowOf(cursor: DurableCursor): Selectable<RegistrySchema["cursors"]> {
  const { tenant, userId, clientId, surface, ackedOffset, epoch, updatedAt } = cursor;
  return { tenant, user_id: userId, client_id: clientId, surface, acked_offset: ackedOffset, epoch, updated_at: updatedAt };
}

function cursorOf(row: Selectable<RegistrySchema["cursors"]>): DurableCursor {
  const { tenant, surface, epoch } = row;
  return { tenant, userId: row.user_id, clientId: row.client_id, surface, ackedOffset: row.acked_offset, epoch, updatedAt: row.updated_at };
}
