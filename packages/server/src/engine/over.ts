/**
 * Entities to which nothing more happens, in the order in which that came about: forgotten when the log has moved on by as long as it is
 * kept. By the stamps in the log and not by a clock, so that every node forgets the same at the same place in it.
 */

/** A name of an entity, and when its last event was stored. */
interface Over<Entity> {
  readonly entity: Entity;
  readonly storedAt: number;
}

export class OverEntities<Entity> {
  readonly #keptMs: number;
  /** Ascending by `storedAt`. Bounded by the entities. */
  readonly #over = new Map<string, Over<Entity>>();

  constructor(keptMs: number) {
    this.#keptMs = keptMs;
  }

  get size(): number {
    return this.#over.size;
  }

  /** Its newest event is the newest of all. */
  add(key: string, entity: Entity, storedAt: number): void {
    this.#over.delete(key);
    this.#over.set(key, { entity, storedAt });
  }

  /** Something happens to it after all. */
  delete(key: string): void {
    this.#over.delete(key);
  }

  /** Takes out those whose time is up when an event is stored at `storedAt`, the oldest first. */
  *due(storedAt: number): Iterable<Entity> {
    for (const [key, over] of this.#over) {
      if (storedAt - over.storedAt <= this.#keptMs) return;
      this.#over.delete(key);
      yield over.entity;
    }
  }
}
