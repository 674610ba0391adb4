/**
 * Messages that the clock brings (see {@link Ticking}): one wheel for all of them, and only for what somebody follows. What is
 * told here is in no log: it has no event id, and nobody is told of it later.
 */
import { type Clock, isoTime } from "./clock.ts";
import { Message } from "./message.ts";
import type { Product, States, Ticking, TopicKind, View } from "./product.ts";
import type { Topic } from "./topics.ts";
import type { Deadline, Wheel } from "./wheel.ts";

/** Ticks of the same moment leave together: none comes earlier than it is due, and none later than this, in milliseconds. */
const GRID_MS = 100;

/** From so late on it is asked whether more has come due meanwhile. */
const STALL_MS = 200;

/** After everything in the log: no snapshot or cursor holds it back. */
const AFTER_ALL = Number.MAX_SAFE_INTEGER;

export interface TickerHost {
  readonly products: readonly Product[];
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly views: States;
}

/** Everything that a tick needs, so that none looks anything up. */
interface Watched {
  readonly topic: Topic;
  readonly entity: string;
  readonly view: View<unknown>;
  readonly ticking: Ticking<unknown>;
  /** As the view has it since the last batch was routed. */
  state: unknown;
  /** When the next tick is due. */
  at: number | undefined;
  /** What its followers heard last; those who came since have it from their snapshot. */
  told: string | undefined;
}

/** All that is told at one moment of the grid: one deadline for as many as there are. */
interface Round {
  readonly moment: number;
  readonly due: Set<Watched>;
  deadline: Deadline | undefined;
}

export class Ticker {
  readonly #host: TickerHost;
  readonly #kinds: ReadonlyMap<string, TopicKind>;
  /** By view, tenant and entity; one for each followed topic of a ticking kind. */
  readonly #watched = new Map<string, Watched>();
  /** By moment; everything watched stands in at most one. */
  readonly #rounds = new Map<number, Round>();
  /** Changed since the last batch was routed. */
  readonly #changed = new Set<Watched>();

  constructor(host: TickerHost) {
    this.#host = host;
    const kinds = host.products.flatMap(({ topics }) => topics).filter(({ ticking }) => ticking !== undefined);
    this.#kinds = new Map(kinds.map((kind) => [kind.kind, kind]));
  }

  /** Topics that are watched; a metric. */
  get size(): number {
    return this.#watched.size;
  }

  /** Somebody follows a topic that nobody followed. */
  followed(topic: Topic): void {
    const { tenant, name } = topic;
    const colon = name.indexOf(":");
    const kind = this.#kinds.get(name.slice(0, colon));
    if (kind?.ticking === undefined) return;
    const entity = kind.entity(name.slice(colon + 1));
    const { view, ticking } = kind;
    const state = this.#host.views.entry(view, tenant, entity)?.state;
    const watched: Watched = { topic, entity, view, ticking, state, at: undefined, told: undefined };
    this.#watched.set(keyOf(view, tenant, entity), watched);
    this.#arm(watched);
  }

  /** Nobody follows it any more. */
  left({ tenant, name }: Topic): void {
    const colon = name.indexOf(":");
    const kind = this.#kinds.get(name.slice(0, colon));
    if (kind === undefined) return;
    const key = keyOf(kind.view, tenant, kind.entity(name.slice(colon + 1)));
    const watched = this.#watched.get(key);
    if (watched === undefined) return;
    this.#leave(watched);
    this.#watched.delete(key);
    this.#changed.delete(watched);
  }

  /** An entity's state changed; followers hear of the event first. */
  changed(view: View<unknown>, tenant: string, entity: string): void {
    if (this.#watched.size === 0) return;
    const watched = this.#watched.get(keyOf(view, tenant, entity));
    if (watched !== undefined) this.#changed.add(watched);
  }

  /** The batch was told: where a tick of this moment would say something else than before it, followers hear it at once. */
  routed(): void {
    if (this.#changed.size === 0) return;
    const now = this.#host.clock.now();
    for (const watched of this.#changed) {
      const { ticking, state: before } = watched;
      watched.state = this.#host.views.entry(watched.view, watched.topic.tenant, watched.entity)?.state;
      this.#arm(watched);
      const said = before === undefined ? undefined : ticking.tell(before, now)?.data;
      if (watched.state !== undefined && ticking.tell(watched.state, now)?.data !== said) this.#tell(watched, now);
    }
    this.#changed.clear();
  }

  #arm(watched: Watched): void {
    const at = watched.state === undefined ? undefined : watched.ticking.dueAfter(watched.state, this.#host.clock.now());
    if (at === watched.at) return;
    this.#leave(watched);
    watched.at = at;
    if (at !== undefined) this.#roundAt(onGrid(at)).due.add(watched);
  }

  #leave(watched: Watched): void {
    const round = watched.at === undefined ? undefined : this.#rounds.get(onGrid(watched.at));
    watched.at = undefined;
    if (round?.due.delete(watched) !== true || round.due.size > 0) return;
    this.#rounds.delete(round.moment);
    this.#host.wheel.disarm(round.deadline);
  }

  #roundAt(moment: number): Round {
    let round = this.#rounds.get(moment);
    if (round === undefined) {
      round = { moment, due: new Set(), deadline: undefined };
      this.#rounds.set(moment, round);
      this.#ringLater(round);
    }
    return round;
  }

  #ringLater(round: Round): void {
    round.deadline = this.#host.wheel.arm(round.moment - this.#host.clock.now(), () => {
      this.#ring(round);
    });
  }

  #ring(round: Round): void {
    const now = this.#host.clock.now();
    // The wheel's clock is another one: it may ring a moment before the time has come.
    if (now < round.moment) {
      this.#ringLater(round);
      return;
    }
    this.#rounds.delete(round.moment);
    for (const watched of round.due) {
      const { at } = watched;
      if (at === undefined) continue;
      this.#tell(watched, now - at < STALL_MS ? at : this.#newestDue(watched, at, now));
      this.#arm(watched);
    }
  }

  /** After a stall, what was missed is not told late: only the newest that is due. */
  #newestDue({ ticking, state }: Watched, at: number, now: number): number {
    let due = at;
    for (let next = ticking.dueAfter(state, due); next !== undefined && next <= now; next = ticking.dueAfter(state, next)) due = next;
    return due;
  }

  #tell(watched: Watched, at: number): void {
    const { topic, entity, ticking, state } = watched;
    const tick = state === undefined ? undefined : ticking.tell(state, at);
    // What was told at once, when an event changed it, is not told again when its own moment comes.
    if (tick === undefined || tick.data === watched.told) return;
    watched.told = tick.data;
    const message = new Message({
      tenant: topic.tenant,
      topic: topic.name,
      event: tick.event,
      data: tick.data,
      offset: AFTER_ALL,
      // Belongs to no publish batch.
      batch: NaN,
      eventId: "",
      time: isoTime(at),
      correlationId: "",
      key: `${tick.event}/${entity}`,
      receivedAt: 0,
      storedAt: 0,
    });
    for (const subscription of topic.followers) subscription.session.outbox.deliver(subscription, message);
  }
}

function keyOf(view: View<unknown>, tenant: string, entity: string): string {
  return `${view.name}\u0000${tenant}\u0000${entity}`;
}

function onGrid(at: number): number {
  return Math.ceil(at / GRID_MS) * GRID_MS;
}
