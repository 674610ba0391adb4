/** Lines to events with an id, and events to request bodies. */
import { createHash } from "node:crypto";
import { BadLine, type Line } from "./lines.ts";

export interface EventLine {
  readonly line: Line;
  /** JSON text of an event with an id. */
  readonly json: string;
}

/**
 * The line as an event; one without an id gets one that is the same in every run (from file name, line number and
 * text), so that whatever is sent twice is stored once. Digits stay as they are: the text is not written anew.
 */
export function eventOf(line: Line, fileName: string): EventLine {
  let event: unknown;
  try {
    event = JSON.parse(line.text);
  } catch {
    throw new BadLine(line.number, "is not JSON");
  }
  if (typeof event !== "object" || event === null || Array.isArray(event)) throw new BadLine(line.number, "is not an event: a JSON object");
  if (Object.hasOwn(event, "id")) return { line, json: line.text };
  const hash = createHash("sha256").update(`${fileName}\n${line.number}\n${line.text}`).digest("hex");
  const comma = Object.keys(event).length === 0 ? "" : ",";
  return { line, json: `{"id":"${hash.slice(0, 32)}"${comma}${line.text.slice(1)}` };
}

export interface BatchLimits {
  readonly events: number;
  readonly bytes: number;
}

/** Groups events into batches within the limits; one event alone may pass the bytes, for the server to judge. */
export async function* batchesOf(events: AsyncIterable<EventLine>, limits: BatchLimits): AsyncGenerator<EventLine[]> {
  let batch: EventLine[] = [];
  let bytes = 0;
  for await (const event of events) {
    const size = Buffer.byteLength(event.json) + 1;
    if (batch.length > 0 && (batch.length >= limits.events || bytes + size > limits.bytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(event);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** `application/x-ndjson`. */
export function bodyOf(batch: readonly EventLine[]): string {
  return batch.map(({ json }) => json).join("\n");
}
