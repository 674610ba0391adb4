/** What an EventSource makes of a stream that ends. */

export interface ReadEvent {
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}

/** The part of WHATWG's EventSource that reading needs; whoever wrote it. */
export interface Source {
  addEventListener(type: string, listener: (event: Event) => void): void;
  close(): void;
}

/** Everything that the streams of contract 50-sse may say. */
export const STREAM_EVENTS: readonly string[] = [
  "message",
  "connected",
  "order:update",
  "order:fill",
  "position:update",
  "trade:new",
  "price:update",
  "ai:decision",
  "agent:status",
  "strategy:update",
  "alert:new",
  "heartbeat",
  "resync",
  "limit",
];

/** Resolves when the connection ends; the source is closed before it comes back. */
export function readEvents(source: Source): Promise<readonly ReadEvent[]> {
  const events: ReadEvent[] = [];
  const keep = (event: Event) => {
    if (!("data" in event && "lastEventId" in event)) return false;
    events.push({ type: event.type, data: String(event.data), lastEventId: String(event.lastEventId) });
    return true;
  };
  for (const type of STREAM_EVENTS) source.addEventListener(type, keep);
  return new Promise((resolve) => {
    source.addEventListener("error", (event) => {
      // An event of that name has data; the end of a connection has none.
      if (keep(event)) return;
      source.close();
      resolve(events);
    });
  });
}
