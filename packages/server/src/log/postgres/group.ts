/** What one transaction stores: a group of batches, laid out in columns. */
import { plainArray, textArray } from "../../postgres/arrays.ts";
import type { Batch, Outcome } from "../group-commit.ts";
import { guardFails, repeatedIn } from "../guard.ts";
import { type Appended, type NewEvent, Overtaken } from "../log.ts";
import { digestOf, type TopicDigests } from "./digest.ts";

/** The first event with an id, by the id's digest. */
export interface KnownId {
  readonly key: string;
  readonly offset: number;
  readonly batch: number;
  readonly stored_at: number;
}

/** A group with what can be worked out before the log is locked. */
export interface Group {
  readonly batches: readonly Batch[];
  /** One an event; undefined where it is not deduplicated. */
  readonly keys: readonly (readonly (string | undefined)[])[];
  /** Undefined where no batch is guarded. */
  readonly guarded: Guarded | undefined;
}

/** What has to be known of the log before it can be told whether the guards of a group hold. */
interface Guarded {
  /** The smallest `after`. */
  readonly after: number;
  /** By batch: digests of its guard's topics. */
  readonly topics: ReadonlyMap<Batch, readonly string[]>;
}

/** What the log says that a group needs to know, under the lock. */
export interface Known {
  readonly oldest: number;
  readonly head: number;
  readonly ids: readonly KnownId[];
  /** By digest: the newest offset above {@link Guarded.after}, where there is one. */
  readonly newest: ReadonlyMap<string, number>;
}

export function groupOf(batches: readonly Batch[], digests: TopicDigests): Group {
  const keyOf = ({ tenant, source, id, deduplicate }: NewEvent) => (deduplicate ? digestOf(tenant, source, id) : undefined);
  return { batches, keys: batches.map(({ events }) => events.map(keyOf)), guarded: guardedOf(batches, digests) };
}

function guardedOf(batches: readonly Batch[], digests: TopicDigests): Guarded | undefined {
  const topics = new Map<Batch, string[]>();
  let after = Infinity;
  for (const batch of batches) {
    if (batch.guard === undefined) continue;
    after = Math.min(after, batch.guard.after);
    topics.set(
      batch,
      batch.guard.topics.map(({ tenant, name }) => digests.of(tenant, name)),
    );
  }
  return topics.size === 0 ? undefined : { after, topics };
}

/** Columns of new rows, and what becomes of each batch given. */
export class Rows {
  readonly outcomes: readonly Outcome[];
  /** Offset, batch, tenant, type, source, id, time, subject, correlation id, data. */
  readonly #events: [
    offsets: number[],
    batches: number[],
    tenants: string[],
    types: string[],
    sources: string[],
    ids: string[],
    times: string[],
    subjects: (string | null)[],
    correlationIds: string[],
    data: string[],
  ] = [[], [], [], [], [], [], [], [], [], []];
  readonly #topics: [digests: string[], offsets: number[]] = [[], []];
  readonly #ids: [keys: string[], offsets: number[], batches: number[]] = [[], [], []];
  /** The newest offset with them. */
  head: number;
  readonly #storedAt: number;
  readonly #digests: TopicDigests;

  constructor({ batches, keys, guarded }: Group, known: Known, storedAt: number, windowMs: number, digests: TopicDigests) {
    this.head = known.head;
    this.#storedAt = storedAt;
    this.#digests = digests;
    const first = new Map<string, Appended>();
    for (const { key, offset, batch, stored_at } of known.ids) {
      if (storedAt - stored_at <= windowMs) first.set(key, { offset, batch, storedAt: stored_at, duplicate: true });
    }
    const newest = new Map(known.newest);
    this.outcomes = batches.map((each, at) => {
      const { events, guard } = each;
      if (guard !== undefined) {
        const repeated = repeatedIn(keys[at] ?? [], (key) => first.has(key));
        const isAfter = (topic: string) => (newest.get(topic) ?? 0) > guard.after;
        const isOvertaken = () => guarded?.topics.get(each)?.some(isAfter) === true;
        if (guardFails(guard, repeated, events.length, known.oldest, isOvertaken)) return new Overtaken(repeated);
      }
      const topicsBefore = this.#topics[0].length;
      // Duplicates take no offset, so this is the offset of the batch's first new event.
      const batch = this.head + 1;
      const places = events.map((event, index) => {
        const key = keys[at]?.[index];
        const duplicate = key === undefined ? undefined : first.get(key);
        if (duplicate !== undefined) return duplicate;
        const place = this.#add(event, key, batch);
        if (key !== undefined) first.set(key, { ...place, duplicate: true });
        return place;
      });
      // What this group stores counts for the guards of the batches after it.
      if (guarded !== undefined) for (const topic of this.#topics[0].slice(topicsBefore)) newest.set(topic, this.head);
      return places;
    });
  }

  get count(): number {
    return this.#events[0].length;
  }

  /** The columns as parameters: ten of events, two of topics, three of ids. */
  get parameters(): { readonly events: readonly string[]; readonly topics: readonly string[]; readonly ids: readonly string[] } {
    const [offsets, batches, ...texts] = this.#events;
    return {
      events: [plainArray(offsets), plainArray(batches), ...texts.map(textArray)],
      topics: this.#topics.map(plainArray),
      ids: this.#ids.map(plainArray),
    };
  }

  #add(event: NewEvent, key: string | undefined, batch: number): Appended {
    const offset = ++this.head;
    const [offsets, batches, tenants, types, sources, ids, times, subjects, correlationIds, data] = this.#events;
    offsets.push(offset);
    batches.push(batch);
    tenants.push(event.tenant);
    types.push(event.type);
    sources.push(event.source);
    ids.push(event.id);
    times.push(event.time);
    subjects.push(event.subject ?? null);
    correlationIds.push(event.correlationId);
    data.push(event.data);
    for (const name of new Set(event.topics)) {
      this.#topics[0].push(this.#digests.of(event.tenant, name));
      this.#topics[1].push(offset);
    }
    if (key !== undefined) {
      this.#ids[0].push(key);
      this.#ids[1].push(offset);
      this.#ids[2].push(batch);
    }
    return { offset, batch, storedAt: this.#storedAt, duplicate: false };
  }
}
