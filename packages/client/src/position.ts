/** Event ids as places in the log (contract 00-common "Event ids, order, resume"). */
import { parseEventId } from "@broadtape/protocol/event-id";

/** Whether `id` stands after `than`. Of another life of the log, or in no spelling that is known: yes, nothing speaks against it. */
export function isNewer(id: string, than: string | undefined): boolean {
  const place = than === undefined ? undefined : parseEventId(than);
  const own = parseEventId(id);
  if (place === undefined || own === undefined || own.epoch !== place.epoch) return true;
  return own.offset > place.offset;
}

/** The later of two cursors; undefined only where both are. */
export function later(cursor: string | undefined, other: string | undefined): string | undefined {
  if (other === undefined || parseEventId(other) === undefined) return cursor;
  return cursor === undefined || isNewer(other, cursor) ? other : cursor;
}
