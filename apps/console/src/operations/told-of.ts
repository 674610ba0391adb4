/**
 * The newest event that told of one thing, such as an order: for who knows the thing and not its event, as a row of a snapshot does. Asked for as
 * `orders:ann/o-1`, its topic and its id.
 */
import type { LogTail } from "@broadtape/protocol/operations";
import { ask } from "./ask.ts";

/** In which field of an event's data each kind of topic's things stand. */
const FIELDS = { orders: "order", trades: "trade" } as const;
const NAME = /^(?<topic>(?<kind>orders|trades):[^/]+)\/(?<id>.+)$/;
/** Of a topic's newest events; the server looks no further in one answer. */
const LOOKED_AT = 1000;

export interface Thing {
  readonly topic: string;
  readonly field: (typeof FIELDS)[keyof typeof FIELDS];
  readonly id: string;
}

/** How the thing is asked for. */
export function nameOf(kind: keyof typeof FIELDS, userId: string, id: string): string {
  return `${kind}:${userId}/${id}`;
}

/** Undefined for what names no thing: an event id or a correlation id. */
export function thingNamed(name: string): Thing | undefined {
  const { topic, kind, id } = NAME.exec(name)?.groups ?? {};
  if (topic === undefined || id === undefined || (kind !== "orders" && kind !== "trades")) return undefined;
  return { topic, field: FIELDS[kind], id };
}

/** Undefined where none of the newest events tells of it. */
export async function newestEventOf(authorized: typeof fetch, { topic, field, id }: Thing): Promise<string | undefined> {
  const path = `api/v1/operations/tail?topic=${encodeURIComponent(topic)}&limit=${LOOKED_AT}`;
  // The answer is what the protocol says of this path: page and server are of one build.
  const { events } = (await ask(authorized, path)) as LogTail;
  return events.findLast(({ data }) => fieldOf(fieldOf(data, field), "id") === id)?.eventId;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
