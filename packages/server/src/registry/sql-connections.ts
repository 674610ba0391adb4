/** Statements over the table of connections; part of `sql.ts`. */
import type { ColumnType, Kysely, Selectable } from "kysely";
import type { Registry } from "./registry.ts";
import { isOfSql } from "./of-nodes.ts";
import type { RegistrySchema } from "./sql.ts";
import type { KeptConnection } from "./subscriptions.ts";

/** Written once, never changed. */
type Fixed<T> = ColumnType<T, T, never>;

export interface ConnectionsTable {
  id: Fixed<string>;
  tenant_id: string;
  user_id: string;
  connection_id: Fixed<string>;
  client_id: string | null;
  socket_id: string | null;
  surface: string;
  connected_at: number;
  /** Null as long as it is open. */
  disconnected_at: number | null;
  last_activity: number;
  ip_address: string;
  user_agent: string | null;
  status: KeptConnection["status"];
  node: string | null;
}

/** Rows of one statement: fourteen values each stay below what either database takes. */
const ROWS = 1000;

type Connections = Pick<Registry, "saveConnections" | "closeOpenConnections" | "sweepConnections">;

export function connectionStatements(db: Kysely<RegistrySchema>): Connections {
  return {
    async saveConnections(saved) {
      // One a connection, since a statement may touch a row only once; in one order, so that nodes that save the same wait for each other in it.
      const newest = new Map(saved.map((connection) => [connection.connectionId, rowOf(connection)]));
      const rows = [...newest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
      await db.transaction().execute(async (transaction) => {
        for (let index = 0; index < rows.length; index += ROWS) await upsert(transaction, rows.slice(index, index + ROWS));
      });
    },

    async closeOpenConnections(now, of) {
      const { numUpdatedRows } = await db
        .updateTable("websocket_connections")
        .set({ status: "DISCONNECTED", disconnected_at: now })
        .where("disconnected_at", "is", null)
        .where(isOfSql(of))
        .executeTakeFirstOrThrow();
      return Number(numUpdatedRows);
    },

    async sweepConnections(before) {
      const { numDeletedRows } = await db
        .deleteFrom("websocket_connections")
        .where("disconnected_at", "<", before)
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}

async function upsert(db: Kysely<RegistrySchema>, rows: readonly Selectable<ConnectionsTable>[]): Promise<void> {
  await db
    .insertInto("websocket_connections")
    .values(rows)
    .onConflict((conflict) =>
      conflict.column("connection_id").doUpdateSet((eb) => ({
        tenant_id: eb.ref("excluded.tenant_id"),
        user_id: eb.ref("excluded.user_id"),
        client_id: eb.ref("excluded.client_id"),
        socket_id: eb.ref("excluded.socket_id"),
        surface: eb.ref("excluded.surface"),
        connected_at: eb.ref("excluded.connected_at"),
        disconnected_at: eb.ref("excluded.disconnected_at"),
        last_activity: eb.ref("excluded.last_activity"),
        ip_address: eb.ref("excluded.ip_address"),
        user_agent: eb.ref("excluded.user_agent"),
        status: eb.ref("excluded.status"),
        node: eb.ref("excluded.node"),
      })),
    )
    .execute();
}

function rowOf(connection: KeptConnection): Selectable<ConnectionsTable> {
  return {
    id: connection.id,
    tenant_id: connection.tenant,
    user_id: connection.userId,
    connection_id: connection.connectionId,
    client_id: connection.clientId ?? null,
    socket_id: connection.socketId ?? null,
    surface: connection.surface,
    connected_at: connection.connectedAt,
    disconnected_at: connection.disconnectedAt ?? null,
    last_activity: connection.lastActivity,
    ip_address: connection.ipAddress,
    user_agent: connection.userAgent ?? null,
    status: connection.status,
    node: connection.node ?? null,
  };
}
