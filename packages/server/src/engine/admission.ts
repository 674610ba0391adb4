/**
 * Admission against state: what an event may be depends, for some products, on what its entity is. Such batches are admitted
 * one after the other for each entity, each on the views as the ones before it left them; within a batch, each event on
 * what the ones before it make. So nothing enters the log that contradicts what the log says before it.
 */
import type { Log } from "../log/log.ts";
import { LogUnavailable } from "../log/log.ts";
import type { DomainEvent, Entry, Product, States, View } from "./product.ts";
import { BadEvents, type Admitted, type Checked, admittedOf, depthFault, type ValidationHost } from "./validate.ts";
import type { Views } from "./views.ts";
import type { EventFault } from "@broadtape/protocol/errors";

/** Names of the entities on whose state the admission of these events depends. */
export function guardsOf(checked: readonly Checked[]): string[] {
  const names = checked.flatMap(({ product, draft }) => {
    const entity = product.admitsBy?.(draft);
    return entity === undefined ? [] : [`${product.name}\u0000${draft.tenant}\u0000${entity}`];
  });
  return [...new Set(names)];
}

/** Lets one batch at a time pass for each entity, in the order in which they came. */
export class Guards {
  /** By entity: settles when the last batch that came for it is through. Holds entities with batches on their way only. */
  readonly #tails = new Map<string, Promise<unknown>>();
  readonly #maxWaiting: number;
  #waiting = 0;

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /** Entities with batches on their way; a metric. */
  get size(): number {
    return this.#tails.size;
  }

  /** Runs `pass` when those before it are through; rejects with {@link LogUnavailable} where too many events wait. */
  async pass<T>(names: readonly string[], events: number, pass: () => Promise<T>): Promise<T> {
    if (this.#waiting + events > this.#maxWaiting) throw new LogUnavailable(`more than ${this.#maxWaiting} events wait to be checked`);
    this.#waiting += events;
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
  readonly log: Pick<Log, "find">;
}

/**
 * Asks the products whether these events may be. An event that may not, and is a repetition of one that is stored (same
 * source and id), passes: the log answers for the first. Rejects with {@link BadEvents}.
 */
export async function admitAll(host: AdmissionHost, checked: readonly Checked[]): Promise<readonly Admitted[]> {
  const overlay = new Overlay(host.views);
  const seen = new Set<string>();
  const faults: EventFault[] = [];
  const admitted: Admitted[] = [];
  for (const [index, each] of checked.entries()) {
    const { product, draft } = each;
    const verdict = product.admit?.(draft, overlay);
    const isRefused = verdict !== undefined && "message" in verdict;
    const event = admittedOf(host, each, verdict === undefined || isRefused ? draft.data : verdict.data);
    const tooDeep = depthFault(event);
    if (tooDeep !== undefined) faults.push({ index, ...tooDeep });
    const key = `${event.event.source}\u0000${event.event.id}`;
    if (isRefused) {
      const isRepeated =
        event.event.deduplicate && (seen.has(key) || (await host.log.find(draft.tenant, event.event.source, event.event.id)));
      if (!isRepeated) faults.push({ index, ...verdict });
    } else {
      overlay.fold(product, {
        ...draft,
        data: event.data,
        text: event.event.data,
        time: event.event.time,
        offset: 0,
        storedAt: host.now(),
      });
    }
    seen.add(key);
    admitted.push(event);
  }
  if (faults.length > 0) throw new BadEvents(faults);
  return admitted;
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
