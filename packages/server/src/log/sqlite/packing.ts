/**
 * Batches as a few flat arrays: to pass an event to another thread so costs half of what an object costs, and the main thread
 * has the same work left for more events (measured: 0.24 instead of 0.53 µs each to send).
 */
import type { Batch } from "../group-commit.ts";
import type { Guard, NewEvent } from "../log.ts";

export interface PackedBatches {
  /** Events of each batch. */
  readonly lengths: readonly number[];
  /** One an event: its count of topics × 4, + 1 where it is deduplicated, + 2 where it has a subject. */
  readonly heads: readonly number[];
  /** Seven an event, then its subject where it has one, then its topics. */
  readonly texts: readonly string[];
  /** One a batch, where any has one. */
  readonly guards: readonly (Guard | undefined)[] | undefined;
}

export function pack(batches: readonly Batch[]): PackedBatches {
  const heads: number[] = [];
  const texts: string[] = [];
  for (const { events } of batches) {
    for (const { tenant, type, source, id, time, correlationId, data, subject, topics, deduplicate } of events) {
      heads.push(topics.length * 4 + (deduplicate ? 1 : 0) + (subject === undefined ? 0 : 2));
      texts.push(tenant, type, source, id, time, correlationId, data);
      if (subject !== undefined) texts.push(subject);
      for (const topic of topics) texts.push(topic);
    }
  }
  const isGuarded = batches.some(({ guard }) => guard !== undefined);
  const guards = isGuarded ? batches.map(({ guard }) => guard) : undefined;
  return { lengths: batches.map(({ events }) => events.length), heads, texts, guards };
}

export function unpack({ lengths, heads, texts, guards }: PackedBatches): Batch[] {
  let event = 0;
  let text = 0;
  const next = () => texts[text++] ?? "";
  const nextEvent = (): NewEvent => {
    const head = heads[event++] ?? 0;
    return {
      tenant: next(),
      type: next(),
      source: next(),
      id: next(),
      time: next(),
      correlationId: next(),
      data: next(),
      subject: (head & 2) === 0 ? undefined : next(),
      topics: texts.slice(text, (text += head >> 2)),
      deduplicate: (head & 1) === 1,
    };
  };
  return lengths.map((length, index) => ({ events: Array.from({ length }, nextEvent), guard: guards?.[index] }));
}
