/**
 * Batches as a few flat arrays: to pass an event to another thread so costs half of what an object costs, and the main thread
 * has the same work left for more events (measured: 0.24 instead of 0.53 µs each to send).
 */
import type { NewEvent } from "../log.ts";

export interface PackedBatches {
  /** Events of each batch. */
  readonly lengths: readonly number[];
  /** One an event: its count of topics × 4, + 1 where it is deduplicated, + 2 where it has a subject. */
  readonly heads: readonly number[];
  /** Seven an event, then its subject where it has one, then its topics. */
  readonly texts: readonly string[];
}

export function pack(batches: readonly (readonly NewEvent[])[]): PackedBatches {
  const heads: number[] = [];
  const texts: string[] = [];
  for (const batch of batches) {
    for (const { tenant, type, source, id, time, correlationId, data, subject, topics, deduplicate } of batch) {
      heads.push(topics.length * 4 + (deduplicate ? 1 : 0) + (subject === undefined ? 0 : 2));
      texts.push(tenant, type, source, id, time, correlationId, data);
      if (subject !== undefined) texts.push(subject);
      for (const topic of topics) texts.push(topic);
    }
  }
  return { lengths: batches.map(({ length }) => length), heads, texts };
}

export function unpack({ lengths, heads, texts }: PackedBatches): NewEvent[][] {
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
  return lengths.map((length) => Array.from({ length }, nextEvent));
}
