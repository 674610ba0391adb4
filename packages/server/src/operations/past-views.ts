/**
 * How views were at some moments, while they go on. A moment holds what changed after it, as it was before; whatever is not in it is
 * as it was at the next one, and in the end as it is now. So taking one costs nothing, and the older ones go with whoever held them.
 */
import type { Offset } from "@broadtape/protocol/event-id";
import type { Entry } from "../engine/product.ts";
import type { EntityName, Views } from "../engine/views.ts";

/** An entity that changed, and what it was until then: undefined where there was none. */
interface Before {
  readonly name: EntityName;
  readonly entry: Entry<unknown> | undefined;
}

export class Moment {
  readonly offset: Offset;
  /** What changed between this moment and the next. Bounded by the entities. */
  readonly changed = new Map<string, Before>();
  next: Moment | undefined;
  readonly #views: Views;

  constructor(views: Views, offset: Offset) {
    this.#views = views;
    this.offset = offset;
  }

  /** The entity as it was. */
  entry(name: EntityName): Entry<unknown> | undefined {
    const key = keyOf(name);
    const before = this.changed.get(key);
    if (before !== undefined) return before.entry;
    for (let later = this.next; later !== undefined; later = later.next) {
      const then = later.changed.get(key);
      if (then !== undefined) return then.entry;
    }
    return this.#views.entryOf(name);
  }

  note(name: EntityName, entry: Entry<unknown> | undefined): void {
    const key = keyOf(name);
    if (!this.changed.has(key)) this.changed.set(key, { name, entry });
  }
}

export class PastViews {
  readonly #views: Views;
  #newest: Moment | undefined;
  readonly #onChange: () => void;

  /** @param onChange called after each change that was noted */
  constructor(views: Views, onChange: () => void) {
    this.#views = views;
    this.#onChange = onChange;
  }

  /** Entities that have changed since the newest moment. */
  get changed(): number {
    return this.#newest?.changed.size ?? 0;
  }

  take(offset: Offset): Moment {
    const moment = new Moment(this.#views, offset);
    if (this.#newest !== undefined) this.#newest.next = moment;
    this.#newest = moment;
    this.#views.onReplace = (name, entry) => {
      this.#newest?.note(name, entry);
      this.#onChange();
    };
    return moment;
  }

  /** No moment is held any more. */
  forget(): void {
    this.#newest = undefined;
    this.#views.onReplace = undefined;
  }
}

function keyOf({ view, tenant, entity }: EntityName): string {
  return `${view}\u0000${tenant}\u0000${entity}`;
}
