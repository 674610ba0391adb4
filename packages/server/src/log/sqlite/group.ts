/** What one transaction stores: a group of batches. */
import type { Batch } from "../group-commit.ts";
import { guardFails, repeatedIn } from "../guard.ts";
import type { Appended, Guard, GuardedTopic, LogBounds, NewEvent } from "../log.ts";
import { EVENT_COLUMNS, INSERT_ROWS } from "../columns.ts";
import type { Prepared } from "./database.ts";
import type { EventIds } from "./event-ids.ts";
import type { TopicIds } from "./topic-ids.ts";
import type { TopicIndex } from "./topic-index.ts";

/** What of the writer a group needs. */
export interface Shelf {
  readonly prepared: Prepared;
  readonly eventIds: EventIds;
  readonly topicIds: TopicIds;
  /** Knows what earlier groups stored. */
  readonly index: TopicIndex;
}

export interface StoredTopics {
  readonly offset: number;
  readonly topicIds: readonly number[];
}

const COLUMNS = EVENT_COLUMNS.length;
const PLACE = 4;

export class Group {
  /** The newly stored events, in offset order. */
  readonly stored: StoredTopics[] = [];
  /** As in {@link AppendAnswer}. */
  readonly places: Float64Array<ArrayBuffer>;
  /** As in {@link AppendAnswer}. */
  overtaken: Map<number, ReadonlySet<number>> | undefined;
  readonly #shelf: Shelf;
  readonly #before: LogBounds;
  readonly #storedAt: number;
  #nextOffset: number;
  #nextPlace = 0;
  /** Values of rows that are not inserted yet, fewer than {@link INSERT_ROWS} rows. */
  #values: (string | number | null)[] = [];

  constructor(shelf: Shelf, before: LogBounds, storedAt: number, events: number) {
    this.#shelf = shelf;
    this.#before = before;
    this.#nextOffset = before.head + 1;
    this.#storedAt = storedAt;
    this.places = new Float64Array(events * PLACE);
  }

  /** Inside the transaction. */
  store(batches: readonly Batch[]): void {
    for (const [index, { events, guard }] of batches.entries()) {
      const repeated = guard === undefined ? undefined : this.#overtaken(events, guard);
      if (repeated !== undefined) {
        (this.overtaken ??= new Map()).set(index, repeated);
        this.#nextPlace += events.length * PLACE;
        continue;
      }
      // Duplicates take no offset, so this is the offset of the batch's first new event.
      const batch = this.#nextOffset;
      for (const event of events) this.#storeOne(event, batch);
    }
    this.#insertRest();
  }

  /** Which events are repetitions, where the guard does not hold; undefined where it does. */
  #overtaken(events: readonly NewEvent[], guard: Guard): ReadonlySet<number> | undefined {
    const keys = events.map(({ tenant, source, id, deduplicate }) => (deduplicate ? JSON.stringify([tenant, source, id]) : undefined));
    const isKnown = (_key: string, index: number) => {
      const event = events[index];
      return event !== undefined && this.#shelf.eventIds.isKnown(event, this.#storedAt);
    };
    const repeated = repeatedIn(keys, isKnown);
    const isAfter = (topic: GuardedTopic) => this.#isAfter(topic, guard.after);
    return guardFails(guard, repeated, events.length, this.#before.oldest, () => guard.topics.some(isAfter)) ? repeated : undefined;
  }

  #isAfter({ tenant, name }: GuardedTopic, after: number): boolean {
    if (after >= this.#nextOffset - 1) return false;
    const id = this.#shelf.topicIds.find(tenant, name);
    if (id === undefined) return false;
    return this.#shelf.index.isAfter(id, after) || this.stored.some(({ offset, topicIds }) => offset > after && topicIds.includes(id));
  }

  #storeOne(event: NewEvent, batch: number): void {
    const offset = this.#nextOffset;
    const storedAt = this.#storedAt;
    const first = event.deduplicate ? this.#shelf.eventIds.firstOf(event, offset, batch, storedAt) : undefined;
    this.#answer(first ?? { offset, batch, storedAt, duplicate: false });
    if (first !== undefined) return;
    this.#nextOffset += 1;
    const topicIds = this.#topicIds(event);
    this.stored.push({ offset, topicIds });
    // In the order of EVENT_COLUMNS.
    this.#values.push(offset, batch, storedAt, event.tenant, event.type, event.source, event.id, event.time);
    this.#values.push(event.subject ?? null, event.correlationId, topicIds.join(","), event.data);
    if (this.#values.length === INSERT_ROWS * COLUMNS) this.#insertMany();
  }

  #topicIds({ tenant, topics }: NewEvent): number[] {
    const ids: number[] = [];
    for (const name of topics) {
      const id = this.#shelf.topicIds.idOf(tenant, name);
      if (!ids.includes(id)) ids.push(id);
    }
    return ids;
  }

  #answer({ offset, batch, storedAt, duplicate }: Appended): void {
    this.places[this.#nextPlace++] = offset;
    this.places[this.#nextPlace++] = batch;
    this.places[this.#nextPlace++] = storedAt;
    this.places[this.#nextPlace++] = duplicate ? 1 : 0;
  }

  #insertMany(): void {
    this.#shelf.prepared.insertEvents.run(this.#values);
    this.#values = [];
  }

  #insertRest(): void {
    for (let start = 0; start < this.#values.length; start += COLUMNS) {
      this.#shelf.prepared.insertEvent.run(this.#values.slice(start, start + COLUMNS));
    }
    this.#values = [];
  }
}

/** Reads {@link Group.places}: one list a batch. */
export function placesOf(places: Float64Array, lengths: readonly number[]): Appended[][] {
  let at = 0;
  const next = (): Appended => {
    const start = at;
    at += PLACE;
    return {
      offset: places[start] ?? 0,
      batch: places[start + 1] ?? 0,
      storedAt: places[start + 2] ?? 0,
      duplicate: places[start + 3] === 1,
    };
  };
  return lengths.map((length) => Array.from({ length }, next));
}
