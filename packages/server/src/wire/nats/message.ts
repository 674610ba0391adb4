/**
 * What nodes say to each other over NATS: JSON with who says it, of which life of the log, and the events as lists of their fields.
 * A message without events says that the log has to be read. `data` stays the text that it was, digit for digit.
 */
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Epoch } from "@broadtape/protocol/event-id";

export interface Speaker {
  readonly node: string;
  readonly epoch: Epoch;
}

export interface Message extends Speaker {
  /** Whole publish batches without a gap; none: read the log. */
  readonly events: readonly StoredEvent[];
}

/** Another one is not understood: nodes of two releases then hear of each other by looking into the log. */
const FORMAT = 1;

export function encodeWake(speaker: Speaker): Uint8Array {
  return Buffer.from(`${opening(speaker)}]}`);
}

/** As few messages of at most `maxBytes` as hold the publish batches, in order; one that is too long by itself becomes a wake. */
export function encodeBatches(speaker: Speaker, events: readonly StoredEvent[], maxBytes: number): Uint8Array[] {
  const start = opening(speaker);
  const envelopeBytes = Buffer.byteLength(start) + "]}".length;
  const messages: Uint8Array[] = [];
  let rows: string[] = [];
  let bytes = envelopeBytes;
  const finish = () => {
    if (rows.length > 0) messages.push(Buffer.from(`${start}${rows.join(",")}]}`));
    rows = [];
    bytes = envelopeBytes;
  };
  for (const batch of batchesOf(events)) {
    const text = batch.map((event) => JSON.stringify(rowOf(event))).join(",");
    const size = Buffer.byteLength(text) + ",".length;
    if (bytes + size > maxBytes) finish();
    if (bytes + size > maxBytes) {
      messages.push(encodeWake(speaker));
      continue;
    }
    rows.push(text);
    bytes += size;
  }
  finish();
  return messages;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Undefined for anything that {@link encodeBatches} and {@link encodeWake} do not make. */
export function decode(bytes: Uint8Array): Message | undefined {
  let message: unknown;
  try {
    message = JSON.parse(utf8.decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof message !== "object" || message === null || !("broadtape" in message) || message.broadtape !== FORMAT) return undefined;
  if (!("node" in message && "epoch" in message && "events" in message)) return undefined;
  const { node, epoch, events: rows } = message;
  if (typeof node !== "string" || !isPlace(epoch) || !Array.isArray(rows)) return undefined;
  const events: StoredEvent[] = [];
  for (const row of rows) {
    const event = eventOf(row);
    if (event === undefined || !follows(event, events.at(-1))) return undefined;
    events.push(event);
  }
  return { node, epoch, events };
}

function opening({ node, epoch }: Speaker): string {
  return `{"broadtape":${FORMAT},"node":${JSON.stringify(node)},"epoch":${epoch},"events":[`;
}

function* batchesOf(events: readonly StoredEvent[]): Generator<readonly StoredEvent[]> {
  for (let start = 0, end = 0; start < events.length; start = end) {
    const batch = events[start]?.batch;
    while (end < events.length && events[end]?.batch === batch) end++;
    yield events.slice(start, end);
  }
}

function rowOf(event: StoredEvent): readonly unknown[] {
  const { offset, batch, storedAt, subject, tenant, type, source, id, time, correlationId, data } = event;
  return [offset, batch, storedAt, subject ?? null, tenant, type, source, id, time, correlationId, data];
}

function eventOf(row: unknown): StoredEvent | undefined {
  if (!Array.isArray(row)) return undefined;
  const fields: readonly unknown[] = row;
  const [offset, batch, storedAt, subject, tenant, type, source, id, time, correlationId, data, ...others] = fields;
  if (!isPlace(offset) || !isPlace(batch) || !isPlace(storedAt) || others.length > 0) return undefined;
  if (subject !== null && !isText(subject)) return undefined;
  if (!isText(tenant) || !isText(type) || !isText(source) || !isText(id) || !isText(time)) return undefined;
  if (!isText(correlationId) || !isText(data)) return undefined;
  return { offset, batch, storedAt, subject: subject ?? undefined, tenant, type, source, id, time, correlationId, data };
}

function follows({ offset, batch }: StoredEvent, before: StoredEvent | undefined): boolean {
  if (batch !== offset && batch !== before?.batch) return false;
  return before === undefined || offset === before.offset + 1;
}

function isPlace(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
