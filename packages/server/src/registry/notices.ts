/** Statements over the table of notices; part of `sql.ts`. */
import type { ColumnType, Kysely, Selectable } from "kysely";
import type { NoticeClaim, NoticeQuery, NoticeRecord, NoticeStatus, Registry } from "./registry.ts";
import { isOfSql } from "./of-nodes.ts";
import type { RegistrySchema } from "./sql.ts";

/** Written once, never changed. */
type Fixed<T> = ColumnType<T, T, never>;

export interface NoticesTable {
  tenant: Fixed<string>;
  event_id: Fixed<string>;
  user_id: Fixed<string>;
  kind: Fixed<string>;
  status: NoticeStatus;
  attempts: number;
  last_error: string | null;
  claimed_at: Fixed<number>;
  /** Invariant: null as long as `status` is `claimed`. */
  done_at: number | null;
  node: Fixed<string | null>;
}

type Notices = Pick<Registry, "claimNotice" | "finishNotice" | "releaseNotice" | "abandonNotices" | "listNotices" | "sweepNotices">;

export function noticeStatements(db: Kysely<RegistrySchema>): Notices {
  return {
    async claimNotice(claim) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto("notices")
        .values(rowOf(claim))
        .onConflict((conflict) => conflict.columns(["tenant", "event_id"]).doNothing())
        .executeTakeFirstOrThrow();
      return numInsertedOrUpdatedRows === 1n;
    },

    async finishNotice({ tenant, eventId, status, attempts, lastError, doneAt }) {
      const { numUpdatedRows } = await db
        .updateTable("notices")
        .set({ status, attempts, last_error: lastError ?? null, done_at: doneAt })
        .where("tenant", "=", tenant)
        .where("event_id", "=", eventId)
        .where("status", "=", "claimed")
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },

    async releaseNotice({ tenant, eventId }) {
      const { numDeletedRows } = await db
        .deleteFrom("notices")
        .where("tenant", "=", tenant)
        .where("event_id", "=", eventId)
        .where("status", "=", "claimed")
        .executeTakeFirstOrThrow();
      return numDeletedRows === 1n;
    },

    async abandonNotices(doneAt, of) {
      const { numUpdatedRows } = await db
        .updateTable("notices")
        .set({ status: "unknown", done_at: doneAt })
        .where("status", "=", "claimed")
        .where(isOfSql(of))
        .executeTakeFirstOrThrow();
      return Number(numUpdatedRows);
    },

    async listNotices(query) {
      return (await newestFirst(db, query)).map(recordOf);
    },

    async sweepNotices(claimedBefore) {
      const { numDeletedRows } = await db
        .deleteFrom("notices")
        .where("claimed_at", "<", claimedBefore)
        .where("status", "!=", "claimed")
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}

async function newestFirst(db: Kysely<RegistrySchema>, { tenant, limit, after }: NoticeQuery): Promise<Selectable<NoticesTable>[]> {
  let select = db.selectFrom("notices").selectAll().orderBy("claimed_at", "desc").orderBy("tenant", "desc").orderBy("event_id", "desc");
  if (tenant !== undefined) select = select.where("tenant", "=", tenant);
  if (after !== undefined)
    select = select.where((eb) =>
      eb(eb.refTuple("claimed_at", "tenant", "event_id"), "<", eb.tuple(after.claimedAt, after.tenant, after.eventId)),
    );
  return select.limit(limit).execute();
}

function rowOf({ tenant, eventId, userId, kind, claimedAt, node }: NoticeClaim): Selectable<NoticesTable> {
  const open = { status: "claimed", attempts: 0, last_error: null, done_at: null } as const;
  return { tenant, event_id: eventId, user_id: userId, kind, claimed_at: claimedAt, node: node ?? null, ...open };
}

function recordOf(row: Selectable<NoticesTable>): NoticeRecord {
  const { tenant, kind, status, attempts } = row;
  const times = { claimedAt: row.claimed_at, doneAt: row.done_at ?? undefined, node: row.node ?? undefined };
  return { tenant, eventId: row.event_id, userId: row.user_id, kind, status, attempts, lastError: row.last_error ?? undefined, ...times };
}
