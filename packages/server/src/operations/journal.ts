/** The engine's journal as log lines, each with the correlation ids of its connection and its event (contract 50-sse "Behaviour"). */
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Journal } from "../engine/journal.ts";
import type { Session } from "../engine/session.ts";

export interface JournalLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  isLevelEnabled(level: string): boolean;
}

export function logJournal(log: JournalLog): Journal {
  return {
    ended: (session, code) => log.info({ ...fieldsOf(session), code }, "disconnected"),
    overflowed: (session) => log.warn(fieldsOf(session), "does not keep up: goes on from the log when it does"),
    delivered: (session, { event, eventId, correlationId }) =>
      log.info({ ...fieldsOf(session), event, eventId, eventCorrelationId: correlationId }, "delivered"),
  };
}

/** Hears of every event, where that is wanted. */
export function logBroadcasts(log: JournalLog, onStored: (hear: (stored: StoredEvent) => void) => void): void {
  if (!log.isLevelEnabled("debug")) return;
  onStored(({ type, source, id, tenant, offset, correlationId }) =>
    log.debug({ type, source, id, tenant, offset, eventCorrelationId: correlationId }, "broadcast"),
  );
}

function fieldsOf({ id: sessionId, identity: { userId, tenant }, surface: { name: surface }, peer: { correlationId } }: Session) {
  return { sessionId, userId, tenant, surface, correlationId };
}
