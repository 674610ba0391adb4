/** Cuts pages out of what a reader finds. */
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Offset } from "@broadtape/protocol/event-id";
import type { LogPage } from "./log.ts";

/**
 * A page of the first `limit` events found, cut at the end of a publish batch; a batch that alone is longer comes whole.
 * `found` yields what was asked for in offset order up to `scannedTo`, and is pulled no further than the page needs.
 */
export function pageOf(found: Iterable<StoredEvent>, limit: number, scannedTo: Offset, until: Offset): LogPage {
  const events: StoredEvent[] = [];
  for (const event of found) {
    if (events.length >= limit && event.batch !== events[0]?.batch) {
      let end = events.length;
      while (events[end - 1]?.batch === event.batch) end -= 1;
      return { events: events.slice(0, end), upTo: event.batch - 1, complete: false };
    }
    events.push(event);
  }
  return { events, upTo: scannedTo, complete: scannedTo >= until };
}
