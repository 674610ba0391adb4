/** Statements over the tables of subscriptions and of what is pending in them; part of `sql.ts`. */
import { type ColumnType, type Kysely, type Selectable, sql } from "kysely";
import type { Registry } from "./registry.ts";
import type { RegistrySchema } from "./sql.ts";
import {
  type KeptPending,
  type KeptSubscription,
  LISTED_SUBSCRIPTIONS,
  type ListedSubscription,
  subscriptionKey,
  supersede,
} from "./subscriptions.ts";

/** Written once, never changed. */
type Fixed<T> = ColumnType<T, T, never>;

export interface SubscriptionsTable {
  id: Fixed<string>;
  tenant_id: Fixed<string>;
  user_id: Fixed<string>;
  client_id: Fixed<string>;
  connection_id: string | null;
  /** JSON array of strings. */
  event_types: string;
  filters: string;
  acked_offset: number;
  epoch: number;
  subscribed_at: number;
  updated_at: number;
  unsubscribed_at: number | null;
}

export interface PendingEventsTable {
  /** `subscription_id`/`log_offset`. */
  id: Fixed<string>;
  /** Invariant: that of a row in `websocket_subscriptions`. */
  subscription_id: Fixed<string>;
  log_offset: Fixed<number>;
  client_id: Fixed<string>;
  connection_id: Fixed<string | null>;
  event_id: Fixed<string>;
  event_type: Fixed<string>;
  event_data: Fixed<string>;
  sent_at: Fixed<number>;
  attempts: Fixed<number>;
  /** Invariant: null. An acknowledged event's row is deleted, so that rows are bounded by what is in flight. */
  acked_at: Fixed<null>;
  expires_at: Fixed<number>;
}

type SubscriptionRow = Selectable<SubscriptionsTable>;
type PendingRow = Selectable<PendingEventsTable>;

/** Rows of one statement: twelve values each stay below the 32,766 that SQLite takes and the 65,535 of PostgreSQL. */
const ROWS = 1000;

type Subscriptions = Pick<
  Registry,
  "saveSubscriptions" | "findSubscription" | "subscriptionById" | "subscriptionsOf" | "deleteSubscription"
>;

export function subscriptionStatements(db: Kysely<RegistrySchema>): Subscriptions {
  return {
    async saveSubscriptions(saved) {
      const subscriptions = mergedByKey(saved);
      await db.transaction().execute(async (transaction) => {
        for (const batch of batchesOf(subscriptions)) {
          const current = await upsert(transaction, batch);
          await replacePending(transaction, current);
        }
      });
    },

    async findSubscription({ tenant, userId, clientId }) {
      return findOne(db, { tenant_id: tenant, user_id: userId, client_id: clientId });
    },

    async subscriptionById(tenant, userId, id) {
      return findOne(db, { tenant_id: tenant, user_id: userId, id });
    },

    async subscriptionsOf(tenant, userId) {
      const rows = await db
        .selectFrom("websocket_subscriptions")
        .selectAll()
        .where("tenant_id", "=", tenant)
        .where("user_id", "=", userId)
        .orderBy("subscribed_at", "desc")
        .orderBy("id", "desc")
        .limit(LISTED_SUBSCRIPTIONS)
        .execute();
      return rows.map(listedOf);
    },

    async deleteSubscription(tenant, userId, id) {
      return db.transaction().execute(async (transaction) => {
        // The subscription first: its lock keeps another node from adding pending rows that nobody would delete.
        const { numDeletedRows } = await transaction
          .deleteFrom("websocket_subscriptions")
          .where("tenant_id", "=", tenant)
          .where("user_id", "=", userId)
          .where("id", "=", id)
          .executeTakeFirstOrThrow();
        if (numDeletedRows === 0n) return false;
        await transaction.deleteFrom("websocket_pending_events").where("subscription_id", "=", id).execute();
        return true;
      });
    },
  };
}

/** Returns those whose position is now the given one, with the ids they are stored under. */
async function upsert(db: Kysely<RegistrySchema>, saved: readonly KeptSubscription[]): Promise<KeptSubscription[]> {
  // As `supersede` says it.
  const isBehind = sql<boolean>`excluded.epoch = websocket_subscriptions.epoch and excluded.acked_offset < websocket_subscriptions.acked_offset`;
  const stored = await db
    .insertInto("websocket_subscriptions")
    .values(saved.map(rowOf))
    .onConflict((conflict) =>
      conflict.columns(["tenant_id", "user_id", "client_id"]).doUpdateSet((eb) => ({
        connection_id: eb.ref("excluded.connection_id"),
        event_types: eb.ref("excluded.event_types"),
        filters: eb.ref("excluded.filters"),
        acked_offset: eb
          .case()
          .when(isBehind)
          .then(eb.ref("websocket_subscriptions.acked_offset"))
          .else(eb.ref("excluded.acked_offset"))
          .end(),
        epoch: eb.ref("excluded.epoch"),
        subscribed_at: eb.ref("excluded.subscribed_at"),
        updated_at: eb.ref("excluded.updated_at"),
        unsubscribed_at: eb.ref("excluded.unsubscribed_at"),
      })),
    )
    .returning(["id", "tenant_id as tenant", "user_id as userId", "client_id as clientId", "acked_offset as ackedOffset"])
    .execute();
  const byKey = new Map(stored.map((row) => [subscriptionKey(row), row]));
  return saved.flatMap((subscription) => {
    const row = byKey.get(subscriptionKey(subscription));
    return row?.ackedOffset === subscription.ackedOffset ? [{ ...subscription, id: row.id }] : [];
  });
}

async function replacePending(db: Kysely<RegistrySchema>, subscriptions: readonly KeptSubscription[]): Promise<void> {
  const ids = subscriptions.map(({ id }) => id);
  if (ids.length > 0) await db.deleteFrom("websocket_pending_events").where("subscription_id", "in", ids).execute();
  for (const batch of batchesOf(subscriptions.flatMap(pendingRowsOf)))
    await db.insertInto("websocket_pending_events").values(batch).execute();
}

async function findOne(
  db: Kysely<RegistrySchema>,
  key: Pick<SubscriptionRow, "tenant_id" | "user_id"> & Partial<Pick<SubscriptionRow, "id" | "client_id">>,
): Promise<KeptSubscription | undefined> {
  // Both reads see one state, or a position would come with what is pending at another one. SQLite knows no lower level.
  const transaction = db.transaction().setIsolationLevel("repeatable read");
  return transaction.execute(async (reading) => {
    const row = await reading
      .selectFrom("websocket_subscriptions")
      .selectAll()
      .where((eb) => eb.and(key))
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const pending = await reading
      .selectFrom("websocket_pending_events")
      .selectAll()
      .where("subscription_id", "=", row.id)
      .orderBy("log_offset")
      .execute();
    return { ...listedOf(row), pending: pending.map(pendingOf) };
  });
}

/** One a key, since a statement may touch a row only once; in one order, so that nodes that save the same wait for each other in it. */
function mergedByKey(saved: readonly KeptSubscription[]): KeptSubscription[] {
  const merged = new Map<string, KeptSubscription>();
  for (const subscription of saved) {
    const key = subscriptionKey(subscription);
    const before = merged.get(key);
    merged.set(key, before === undefined ? subscription : supersede(before, subscription));
  }
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, subscription]) => subscription);
}

function* batchesOf<Row>(rows: readonly Row[]): Generator<readonly Row[]> {
  for (let index = 0; index < rows.length; index += ROWS) yield rows.slice(index, index + ROWS);
}

function rowOf(subscription: KeptSubscription): SubscriptionRow {
  return {
    id: subscription.id,
    tenant_id: subscription.tenant,
    user_id: subscription.userId,
    client_id: subscription.clientId,
    connection_id: subscription.connectionId ?? null,
    event_types: JSON.stringify(subscription.events),
    filters: subscription.filters,
    acked_offset: subscription.ackedOffset,
    epoch: subscription.epoch,
    subscribed_at: subscription.subscribedAt,
    updated_at: subscription.updatedAt,
    unsubscribed_at: subscription.unsubscribedAt ?? null,
  };
}

function listedOf(row: SubscriptionRow): ListedSubscription {
  return {
    id: row.id,
    tenant: row.tenant_id,
    userId: row.user_id,
    clientId: row.client_id,
    connectionId: row.connection_id ?? undefined,
    // What rowOf wrote.
    events: JSON.parse(row.event_types) as string[],
    filters: row.filters,
    ackedOffset: row.acked_offset,
    epoch: row.epoch,
    subscribedAt: row.subscribed_at,
    updatedAt: row.updated_at,
    unsubscribedAt: row.unsubscribed_at ?? undefined,
  };
}

function pendingRowsOf({ id, clientId, connectionId, pending }: KeptSubscription): PendingRow[] {
  return pending.map((event) => ({
    id: `${id}/${event.offset}`,
    subscription_id: id,
    log_offset: event.offset,
    client_id: clientId,
    connection_id: connectionId ?? null,
    event_id: event.eventId,
    event_type: event.eventType,
    event_data: event.eventData,
    sent_at: event.sentAt,
    attempts: event.attempts,
    acked_at: null,
    expires_at: event.expiresAt,
  }));
}

function pendingOf(row: PendingRow): KeptPending {
  const { attempts } = row;
  const event = { offset: row.log_offset, eventId: row.event_id, eventType: row.event_type, eventData: row.event_data };
  return { ...event, sentAt: row.sent_at, attempts, expiresAt: row.expires_at };
}
