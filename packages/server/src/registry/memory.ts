/** A registry in memory, for tests: what the port says and nothing more. */
import { memorySubscriptions } from "./memory-subscriptions.ts";
import { isOf } from "./of-nodes.ts";
import type { CookieSession, DurableCursor, NoticeKey, NoticeRecord, Registry } from "./registry.ts";

export function createMemoryRegistry(): Registry {
  const sessions = new Map<string, CookieSession>();
  const cursors = new Map<string, DurableCursor>();
  const notices = new Map<string, NoticeRecord>();
  return {
    async saveSession(session) {
      sessions.set(session.idHash, session);
      return Promise.resolve();
    },
    async findSession(idHash) {
      return Promise.resolve(sessions.get(idHash));
    },
    async endSession(idHash) {
      return Promise.resolve(sessions.delete(idHash));
    },
    async sweepSessions(now) {
      const expired = [...sessions.values()].filter((session) => session.expiresAt < now);
      for (const { idHash } of expired) sessions.delete(idHash);
      return Promise.resolve(expired.length);
    },
    async saveCursors(saved) {
      for (const cursor of saved) {
        const stored = cursors.get(keyOf(cursor));
        const ackedOffset = stored?.epoch === cursor.epoch ? Math.max(stored.ackedOffset, cursor.ackedOffset) : cursor.ackedOffset;
        cursors.set(keyOf(cursor), { ...cursor, ackedOffset });
      }
      return Promise.resolve();
    },
    async findCursor(key) {
      return Promise.resolve(cursors.get(keyOf(key)));
    },
    async claimNotice({ tenant, eventId, userId, kind, claimedAt, node }) {
      const claim = { tenant, eventId, userId, kind, claimedAt, node };
      const isFirst = !notices.has(noticeKey(claim));
      if (isFirst) notices.set(noticeKey(claim), { ...claim, status: "claimed", attempts: 0, lastError: undefined, doneAt: undefined });
      return Promise.resolve(isFirst);
    },
    async finishNotice({ tenant, eventId, status, attempts, lastError, doneAt }) {
      const record = notices.get(noticeKey({ tenant, eventId }));
      if (record?.status !== "claimed") return Promise.resolve(false);
      notices.set(noticeKey(record), { ...record, status, attempts, lastError, doneAt });
      return Promise.resolve(true);
    },
    async releaseNotice(key) {
      const isOpen = notices.get(noticeKey(key))?.status === "claimed";
      return Promise.resolve(isOpen && notices.delete(noticeKey(key)));
    },
    async abandonNotices(doneAt, of) {
      const open = [...notices.values()].filter(({ status, node }) => status === "claimed" && isOf(node, of));
      for (const record of open) notices.set(noticeKey(record), { ...record, status: "unknown", doneAt });
      return Promise.resolve(open.length);
    },
    async listNotices({ tenant, limit, after }) {
      const listed = [...notices.values()]
        .filter((record) => (tenant === undefined || record.tenant === tenant) && (after === undefined || newestFirst(record, after) > 0))
        .sort(newestFirst);
      return Promise.resolve(listed.slice(0, limit));
    },
    async sweepNotices(claimedBefore) {
      const old = [...notices.values()].filter(({ status, claimedAt }) => status !== "claimed" && claimedAt < claimedBefore);
      for (const record of old) notices.delete(noticeKey(record));
      return Promise.resolve(old.length);
    },
    ...memorySubscriptions(),
    async close() {
      return Promise.resolve();
    },
  };
}

function keyOf({ tenant, userId, clientId, surface }: Pick<DurableCursor, "tenant" | "userId" | "clientId" | "surface">): string {
  return JSON.stringify([tenant, userId, clientId, surface]);
}

function noticeKey({ tenant, eventId }: NoticeKey): string {
  return JSON.stringify([tenant, eventId]);
}

type Place = Pick<NoticeRecord, "claimedAt" | "tenant" | "eventId">;

function newestFirst(a: Place, b: Place): number {
  return b.claimedAt - a.claimedAt || descending(a.tenant, b.tenant) || descending(a.eventId, b.eventId);
}

function descending(a: string, b: string): number {
  return a === b ? 0 : a < b ? 1 : -1;
}
