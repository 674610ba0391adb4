/** Numbers for topic names, so that an event's topics cost a few bytes each. */
import type { LogDatabase } from "./database.ts";

/** Topics whose numbers are at hand; twice as many at most are kept. */
const CACHED = 100_000;

export class TopicIds {
  readonly #db: LogDatabase;
  /** The last used ones are in `#young`; when it is full, it becomes `#old`, and what was old is forgotten. */
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  constructor(db: LogDatabase) {
    this.#db = db;
  }

  /** Inside the transaction that stores an event of this topic. When that fails, call {@link forgetAll}. */
  idOf(tenant: string, name: string): number {
    const key = keyOf(tenant, name);
    const cached = this.#young.get(key);
    if (cached !== undefined) return cached;
    const id = this.find(tenant, name) ?? this.#add(tenant, name);
    if (this.#young.size >= CACHED) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, id);
    return id;
  }

  /** Undefined for a topic that has no number. */
  find(tenant: string, name: string): number | undefined {
    const key = keyOf(tenant, name);
    return this.#young.get(key) ?? this.#old.get(key) ?? this.#db.prepared.findTopic.get(tenant, name)?.topic_id;
  }

  /** Removes a topic that has no indexed event left. */
  removeIdle(topicId: number): void {
    const removed = this.#db.prepared.deleteIdleTopic.get(topicId, topicId);
    if (removed === undefined) return;
    const key = keyOf(removed.tenant, removed.name);
    this.#young.delete(key);
    this.#old.delete(key);
  }

  /** What a rolled back transaction has numbered does not exist. */
  forgetAll(): void {
    this.#young.clear();
    this.#old.clear();
  }

  #add(tenant: string, name: string): number {
    const row = this.#db.prepared.insertTopic.get(tenant, name);
    if (row === undefined) throw new Error(`the topic ${name} got no number`);
    return row.topic_id;
  }
}

/** No two pairs have the same key, whatever is in them. */
function keyOf(tenant: string, name: string): string {
  return `${tenant.length} ${tenant}${name}`;
}
