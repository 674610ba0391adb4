/** Placeholder until the adapter lands. */
import type { CookieSession, Registry } from "../registry.ts";

export function openSqliteRegistry(_directory: string): Promise<Registry> {
  const sessions = new Map<string, CookieSession>();
  return Promise.resolve({
    saveSession: async (session) => void sessions.set(session.idHash, session),
    findSession: (idHash) => Promise.resolve(sessions.get(idHash)),
    endSession: (idHash) => Promise.resolve(sessions.delete(idHash)),
    sweepSessions: () => Promise.resolve(0),
    saveCursors: () => Promise.resolve(),
    findCursor: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  });
}
