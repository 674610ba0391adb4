/** A registry in memory, for tests: what the port says and nothing more. */
import type { CookieSession, DurableCursor, Registry } from "./registry.ts";

export function createMemoryRegistry(): Registry {
  const sessions = new Map<string, CookieSession>();
  const cursors = new Map<string, DurableCursor>();
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
    async close() {
      return Promise.resolve();
    },
  };
}

function keyOf({ tenant, userId, clientId, surface }: Pick<DurableCursor, "tenant" | "userId" | "clientId" | "surface">): string {
  return JSON.stringify([tenant, userId, clientId, surface]);
}
