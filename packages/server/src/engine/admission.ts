/**
 * Admission against state: what an event may be depends, for some products, on what its entity is. Such batches are admitted
 * one after the other for each topic, each on the views as the ones before it left them; within a batch, each event on
 * what the ones before it make. The log stores a batch only where nothing has come between (`Guard`). So nothing enters it
 * that contradicts what it says before, on however many nodes.
 */
import type { EventFault } from "@broadtape/protocol/errors";
import { type GuardedTopic, LogUnavailable } from "../log/log.ts";
import type { DomainEvent, Entry, Product, States, View } from "./product.ts";
import { type Admitted, type Checked, admittedOf, depthFault, type ValidationHost } from "./validate.ts";
import type { Views } from "./views.ts";

/** The topics on whose events the admission of these events depends, each once. */
export function guardsOf(checked: readonly Checked[]): readonly GuardedTopic[] {
  const topics = new Map<string, GuardedTopic>();
  for (const { product, draft } of checked) {
    for (const name of product.admitsBy?.(draft) ?? []) {
      const topic = { tenant: draft.tenant, name };
      topics.set(keyOf(topic), topic);
    }
  }
  return [...topics.values()];
}

function keyOf({ tenant, name }: GuardedTopic): string {
  return `${tenant}\u0000${name}`;
}

/** Lets one batch at a time pass for each topic, in the order in which they came. */
export class Guards {
  /** By topic: settles when the last batch that came for it is through. Holds topics with batches on their way only. */
  readonly #tails = new Map<string, Promise<unknown>>();
  readonly #maxWaiting: number;
  #waiting = 0;

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /** Topics with batches on their way; a metric. */
  get size(): number {
    return this.#tails.size;
  }

  /** Runs `pass` when those before it are through; rejects with {@link LogUnavailable} where too many events wait. */
  async pass<T>(topics: readonly GuardedTopic[], events: number, pass: () => Promise<T>): Promise<T> {
    // Alone a batch of any size passes: else its publisher would come again for ever.
    if (this.#waiting > 0 && this.#waiting + events > this.#maxWaiting)
      throw new LogUnavailable(`more than ${this.#maxWaiting} events wait to be checked`);
    this.#waiting += events;
    const names = topics.map(keyOf);
    const before = Promise.all(names.map((name) => this.#tails.get(name) ?? Promise.resolve()));
    const passing = before.then(pass);
    const settled = passing.then(
      () => undefined,
      () => undefined,
    );
    for (const name of names) this.#tails.set(name, settled);
    try {
      return await passing;
    } finally {
      this.#waiting -= events;
      for (const name of names) if (this.#tails.get(name) === settled) this.#tails.delete(name);
    }
  }
}

export interface AdmissionHost extends ValidationHost {
  readonly views: Views;
}

export interface Verdict {
  readonly admitted: readonly Admitted[];
  /** Which events were taken for repetitions, by index. */
  readonly repeated: ReadonlySet<number>;
  /** What may not be. */
  readonly faults: readonly EventFault[];
  /** What may not be, unless it is a repetition, which the log knows. */
  readonly doubts: readonly EventFault[];
}

/**
 * Asks the products whether these events may be. `known` are those that repeat stored ones (same source and id), as the log has
 * told: they make nothing new, and the log answers for the first. Before it has told, what may not be and has an id is taken for one.
 */
export function admitAll(host: AdmissionHost, checked: readonly Checked[], known?: ReadonlySet<number>): Verdict {
  const overlay = new Overlay(host.views);
  const seen = new Set<string>();
  const repeated = new Set<number>();
  const [faults, doubts]: [EventFault[], EventFault[]] = [[], []];
  const admitted = checked.map((each, index) => {
    const { product, draft } = each;
    const verdict = product.admit?.(draft, overlay);
    const isRefused = verdict !== undefined && "message" in verdict;
    const event = admittedOf(host, each, verdict === undefined || isRefused ? draft.data : verdict.data);
    const tooDeep = depthFault(event);
    if (tooDeep !== undefined) faults.push({ index, ...tooDeep });
    const { source, id, deduplicate, time } = event.event;
    const key = `${draft.tenant}\u0000${source}\u0000${id}`;
    const isRepeated = known?.has(index) ?? (deduplicate && seen.has(key));
    if (isRepeated) repeated.add(index);
    else if (!isRefused) {
      overlay.fold(product, { ...draft, data: event.data, text: event.event.data, time, offset: 0, storedAt: host.now() });
    } else if (known === undefined && deduplicate) {
      repeated.add(index);
      doubts.push({ index, ...verdict });
    } else faults.push({ index, ...verdict });
    seen.add(key);
    return event;
  });
  return { admitted, repeated, faults, doubts };
}

/** The views, and on top of them what the batch so far makes of its entities. */
class Overlay implements Pick<States, "entry"> {
  readonly #views: Views;
  readonly #entries = new Map<View<unknown>, Map<string, Entry<unknown>>>();

  constructor(views: Views) {
    this.#views = views;
  }

  entry<S>(view: View<S>, tenant: string, entity: string): Entry<S> | undefined {
    // Both hold nothing but what the view's own fold returned.
    const own = this.#entries.get(view)?.get(`${tenant}\u0000${entity}`) as Entry<S> | undefined;
    return own ?? this.#views.entry(view, tenant, entity);
  }

  fold(product: Product, event: DomainEvent): void {
    for (const view of product.views) {
      const entity = view.entityOf(event);
      if (entity === undefined) continue;
      const state = view.fold(this.entry(view, event.tenant, entity)?.state, event);
      if (state === undefined) continue;
      const entries = this.#entries.get(view) ?? new Map<string, Entry<unknown>>();
      this.#entries.set(view, entries.set(`${event.tenant}\u0000${entity}`, { state, offset: event.offset, storedAt: event.storedAt }));
    }
  }
}
