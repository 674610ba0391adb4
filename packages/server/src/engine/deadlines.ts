/**
 * What lapses by time alone becomes an event like any other: views say what is due and when, the engine publishes it then
 * (decision 0004). One entry an entity; a state that changed meanwhile only moves its entry.
 */
import type { Clock } from "./clock.ts";
import type { Due } from "./product.ts";
import type { DueEntity, Views } from "./views.ts";
import type { Deadline, Wheel } from "./wheel.ts";

const RETRY_MS = 1000;

export class Deadlines {
  /** What each entity is armed for. Bounded by the entities of the views. */
  readonly #armed = new Map<string, { readonly at: number; readonly deadline: Deadline }>();
  readonly #views: Views;
  readonly #clock: Clock;
  readonly #wheel: Wheel;
  readonly #publish: (tenant: string, event: Due["event"]) => Promise<unknown>;

  constructor(views: Views, clock: Clock, wheel: Wheel, publish: (tenant: string, event: Due["event"]) => Promise<unknown>) {
    this.#views = views;
    this.#clock = clock;
    this.#wheel = wheel;
    this.#publish = publish;
    views.onDue = (entity, due) => {
      this.#arm(entity, due);
    };
  }

  #arm(entity: DueEntity, due: Due): void {
    const key = `${entity.view.name}\u0000${entity.tenant}\u0000${entity.entity}`;
    const armed = this.#armed.get(key);
    // One that moved back is found out when it fires: most states move theirs with every event.
    if (armed !== undefined && armed.at <= due.at) return;
    this.#wheel.disarm(armed?.deadline);
    const deadline = this.#wheel.arm(Math.max(0, due.at - this.#clock.now()), () => {
      this.#armed.delete(key);
      this.#fire(entity);
    });
    this.#armed.set(key, { at: due.at, deadline });
  }

  #fire(entity: DueEntity): void {
    const due = this.#views.dueOf(entity);
    if (due === undefined) return;
    if (due.at > this.#clock.now()) {
      this.#arm(entity, due);
      return;
    }
    this.#publish(entity.tenant, due.event).catch(() => {
      // The log takes nothing for now, or the engine is not started: what is due stays due.
      this.#arm(entity, { ...due, at: this.#clock.now() + RETRY_MS });
    });
  }
}
