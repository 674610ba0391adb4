/** Statements over the tables of subscriptions and of what is pending in them; part of `sql.ts`. */
import { type ColumnType, type Kysely, type Selectable, sql } from "kysely";
import type { SubscriptionStore } from "./registry.ts";
import type { RegistrySchema } from "./sql.ts";
import {
  type KeptPending,
  type KeptSubscription,
  LISTED_SUBSCRIPTIONS,
  type ListedSubscription,
  type SubscriptionKey,
  type Taken,
  type Taking,
  subscriptionKey,
  supersede,
} from "./subscriptions.ts";

/** Written once, never changed. */
type Fixed<T> = ColumnType<T, T, never>;

export interface SubscriptionsTable {
  /** Changes where a deleted one comes back. */
  id: string;
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
  generation: number;
  node: string | null;
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

/** Rows of one statement: fourteen values each stay below the 32,766 that SQLite takes and the 65,535 of PostgreSQL. */
const ROWS = 1000;

export function subscriptionStatements(db: Kysely<RegistrySchema>): SubscriptionStore {
  return {
    async saveSubscriptions(saved) {
      const subscriptions = mergedByKey(saved);
      return db.transaction().execute(async (transaction) => {
        const replaced: SubscriptionKey[] = [];
        for (const batch of batchesOf(subscriptions)) {
          const upserted = await upsert(transaction, batch);
          await replacePending(transaction, upserted.current);
          replaced.push(...upserted.replaced);
        }
        return replaced;
      });
    },

    async takeSubscription(taking) {
      // What is pending stays as it is while the row is locked: whoever saves writes the row first.
      return db.transaction().execute(async (transaction) => take(transaction, taking));
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
        .where(IS_SHOWN)
        .orderBy("subscribed_at", "desc")
        .orderBy("id", "desc")
        .limit(LISTED_SUBSCRIPTIONS)
        .execute();
      return rows.map(listedOf);
    },

    async deleteSubscription(tenant, userId, id, now) {
      return db.transaction().execute(async (transaction) => {
        // The subscription first: its lock keeps another node from adding pending rows that nobody would delete.
        const { numUpdatedRows } = await transaction
          .updateTable("websocket_subscriptions")
          .set({ connection_id: null, event_types: "[]", filters: "{}", unsubscribed_at: null, updated_at: now })
          .where("tenant_id", "=", tenant)
          .where("user_id", "=", userId)
          .where("id", "=", id)
          .where(IS_SHOWN)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) return false;
        await transaction.deleteFrom("websocket_pending_events").where("subscription_id", "=", id).execute();
        return true;
      });
    },

    async sweepSubscriptions(before) {
      const { numDeletedRows } = await db
        .deleteFrom("websocket_subscriptions")
        .where(sql<boolean>`not (${IS_SHOWN})`)
        .where("updated_at", "<", before)
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}

/** As `isHidden` says it, the other way round. */
const IS_SHOWN = sql<boolean>`(websocket_subscriptions.event_types <> '[]' or websocket_subscriptions.unsubscribed_at is not null)`;

interface Upserted {
  /** Those whose position is now the given one, with the ids they are stored under. */
  readonly current: readonly KeptSubscription[];
  readonly replaced: readonly SubscriptionKey[];
}

async function upsert(db: Kysely<RegistrySchema>, saved: readonly KeptSubscription[]): Promise<Upserted> {
  // As `supersede` says it.
  const isBehind = sql<boolean>`${IS_SHOWN} and excluded.epoch = websocket_subscriptions.epoch and excluded.acked_offset < websocket_subscriptions.acked_offset`;
  const stored = await db
    .insertInto("websocket_subscriptions")
    .values(saved.map(rowOf))
    .onConflict((conflict) =>
      conflict
        .columns(["tenant_id", "user_id", "client_id"])
        .doUpdateSet((eb) => ({
          id: eb.case().when(IS_SHOWN).then(eb.ref("websocket_subscriptions.id")).else(eb.ref("excluded.id")).end(),
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
          generation: eb.ref("excluded.generation"),
          node: eb.ref("excluded.node"),
        }))
        .where(sql<boolean>`excluded.generation >= websocket_subscriptions.generation`),
    )
    .returning(["id", "tenant_id as tenant", "user_id as userId", "client_id as clientId", "acked_offset as ackedOffset"])
    .execute();
  const byKey = new Map(stored.map((row) => [subscriptionKey(row), row]));
  const current = saved.flatMap((subscription) => {
    const row = byKey.get(subscriptionKey(subscription));
    return row?.ackedOffset === subscription.ackedOffset ? [{ ...subscription, id: row.id }] : [];
  });
  return { current, replaced: saved.filter((subscription) => !byKey.has(subscriptionKey(subscription))) };
}

async function take(db: Kysely<RegistrySchema>, { tenant, userId, clientId, id, node, from, now }: Taking): Promise<Taken> {
  const key = { tenant_id: tenant, user_id: userId, client_id: clientId };
  const fresh = { connection_id: null, event_types: "[]", filters: "{}", acked_offset: 0, epoch: 0, unsubscribed_at: null };
  const row = await db
    .insertInto("websocket_subscriptions")
    .values({ ...key, ...fresh, id, subscribed_at: now, updated_at: now, generation: 1, node })
    .onConflict((conflict) =>
      conflict
        .columns(["tenant_id", "user_id", "client_id"])
        .doUpdateSet({ generation: sql<number>`websocket_subscriptions.generation + 1`, node })
        .where((eb) => {
          const [holder, generation] = [eb.ref("websocket_subscriptions.node"), eb.ref("websocket_subscriptions.generation")];
          const isFree = eb.or([eb(holder, "is", null), eb(holder, "=", node)]);
          return from === undefined ? isFree : eb.or([isFree, eb.and([eb(holder, "=", from.node), eb(generation, "=", from.generation)])]);
        }),
    )
    .returningAll()
    .executeTakeFirst();
  if (row !== undefined) return { subscription: { ...listedOf(row), pending: await pendingIn(db, row.id) } };
  const held = await db
    .selectFrom("websocket_subscriptions")
    .select(["node", "generation"])
    .where((eb) => eb.and(key))
    .executeTakeFirst();
  // Let go of in between: it was another's a moment ago, and is asked for again.
  return { held: { node: held?.node ?? "", generation: held?.generation ?? 0 } };
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
      .where(IS_SHOWN)
      .executeTakeFirst();
    return row === undefined ? undefined : { ...listedOf(row), pending: await pendingIn(reading, row.id) };
  });
}

async function pendingIn(db: Kysely<RegistrySchema>, subscriptionId: string): Promise<KeptPending[]> {
  const rows = await db
    .selectFrom("websocket_pending_events")
    .selectAll()
    .where("subscription_id", "=", subscriptionId)
    .orderBy("log_offset")
    .execute();
  return rows.map(pendingOf);
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
    generation: subscription.generation,
    node: subscription.node ?? null,
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
    generation: row.generation,
    node: row.node ?? undefined,
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
