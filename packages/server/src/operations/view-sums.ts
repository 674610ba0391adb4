/**
 * Checksums of a node's views at an offset, by which nodes are compared: the same log folded by the same code gives the same.
 * Made when somebody asks, a slice of a few milliseconds at a time, and from then on out of what has changed since.
 */
import type { Offset } from "@broadtape/protocol/event-id";
import { Refusal } from "@broadtape/protocol/errors";
import type { ViewsState } from "@broadtape/protocol/operations";
import type { Engine } from "../engine/engine.ts";
import type { EntityName, EntityNames } from "../engine/views.ts";
import { type Moment, PastViews } from "./past-views.ts";
import { HashSum, StateHash } from "./state-hash.ts";

/** Questions that wait or are answered at once: each holds what changed since its moment. */
const MOST = 4;
const SLICE_MS = 2;
/** Entities between two looks at the clock. */
const LOOK = 16;
/** Changes are remembered for whoever asks again within that time. */
const KEPT_MS = 900_000;
/** Beyond so many changed entities a walk over all is not much dearer than what they would hold. */
const MOST_CHANGED = 50_000;
/** Named with the folds: nodes that sum otherwise are not compared. */
const SUMS = "sums@2";

type Host = Pick<Engine, "views" | "routedTo" | "clock" | "onStored">;

interface Waiting {
  readonly from: Offset;
  readonly take: (state: Promise<ViewsState>) => void;
}

interface Sum {
  entities: number;
  readonly hashes: HashSum;
}

/** The sums of a moment, by view. */
interface Base {
  readonly moment: Moment;
  readonly sums: ReadonlyMap<string, Sum>;
}

export class ViewSums {
  readonly #host: Host;
  readonly #past: PastViews;
  readonly #waiting = new Set<Waiting>();
  readonly #hash = new StateHash();
  /** One after the other, in the order of their moments; the sums that the next begins with, if they were made. */
  #summing: Promise<Base | undefined> = Promise.resolve(undefined);
  #open = 0;
  #last: { readonly offset: Offset; readonly state: Promise<ViewsState> } | undefined;
  #cancelForget: (() => void) | undefined;

  constructor(host: Host) {
    this.#host = host;
    this.#past = new PastViews(host.views, () => {
      this.#forgetMany();
    });
    host.onStored(() => {
      this.#routed();
    });
  }

  /**
   * The views at the first offset from `from` on, where that comes within `waitMs`, else as they stand then. Batches are folded
   * whole and are the same on every node, so nodes that are asked for the same offset before they reach it answer for the same one.
   * Throws LIMIT_REACHED where too many ask.
   */
  async at(from: Offset, waitMs: number): Promise<ViewsState> {
    if (this.#open >= MOST) throw new Refusal("LIMIT_REACHED", "the views are being compared already", { retryAfterMs: 1000 });
    this.#open += 1;
    this.#cancelForget?.();
    try {
      return await this.#from(from, waitMs);
    } finally {
      this.#open -= 1;
      this.#forgetMany();
      this.#forgetLater();
    }
  }

  async #from(from: Offset, waitMs: number): Promise<ViewsState> {
    if (waitMs <= 0 || this.#host.routedTo >= from) return this.#now();
    const { promise, resolve } = Promise.withResolvers<ViewsState>();
    const waiting: Waiting = { from, take: resolve };
    this.#waiting.add(waiting);
    const cancel = this.#host.clock.after(waitMs, () => {
      resolve(this.#now());
    });
    try {
      return await promise;
    } finally {
      cancel();
      this.#waiting.delete(waiting);
    }
  }

  /** Called when a batch was folded and its followers were told, before anything else is. */
  #routed(): void {
    if (this.#waiting.size === 0) return;
    const { routedTo } = this.#host;
    const due = [...this.#waiting].filter(({ from }) => from <= routedTo);
    if (due.length === 0) return;
    const state = this.#now();
    for (const each of due) {
      this.#waiting.delete(each);
      each.take(state);
    }
  }

  #now(): Promise<ViewsState> {
    const { routedTo: offset, views } = this.#host;
    // What an offset stands for never changes, nor does the code that folds while the process runs.
    if (this.#last?.offset === offset) return this.#last.state;
    const all = this.#last === undefined ? views.entityNames() : undefined;
    const moment = this.#past.take(offset);
    const made = this.#summing.then((base) => this.#sum(moment, all === undefined ? base : all));
    this.#summing = made.catch(() => undefined);
    const state = made.then((base) => this.#stateOf(base));
    this.#last = { offset, state };
    state.catch(() => {
      if (this.#last?.state === state) this.#forget();
    });
    return state;
  }

  /** @param from all entities of the moment, or the sums of an earlier one that goes on to it */
  async #sum(moment: Moment, from: readonly EntityNames[] | Base | undefined): Promise<Base> {
    if (from === undefined) throw new Error("the sums that these begin with could not be made");
    const pause = this.#pauses();
    const sums = new Map<string, Sum>();
    if ("moment" in from) {
      for (const [view, { entities, hashes }] of from.sums) sums.set(view, { entities, hashes: hashes.copy() });
      for (let at = from.moment; at !== moment; at = nextOf(at)) {
        for (const { name, entry } of at.changed.values()) {
          this.#count(sums, name, entry, -1);
          this.#count(sums, name, nextOf(at).entry(name), 1);
          if (pause.isDue()) await pause.take();
        }
      }
    } else {
      for (const view of this.#host.views.names()) sums.set(view, { entities: 0, hashes: new HashSum() });
      for (const { view, tenant, entities } of from) {
        for (const entity of entities) {
          const name = { view, tenant, entity };
          this.#count(sums, name, moment.entry(name), 1);
          if (pause.isDue()) await pause.take();
        }
      }
    }
    return { moment, sums };
  }

  #count(sums: ReadonlyMap<string, Sum>, { view, tenant, entity }: EntityName, entry: unknown, times: 1 | -1): void {
    if (entry === undefined) return;
    const sum = sums.get(view);
    if (sum === undefined) throw new Error(`the view ${view} has no name of its own`);
    sum.entities += times;
    this.#hash.of(tenant, entity, entry);
    if (times > 0) sum.hashes.add(this.#hash);
    else sum.hashes.subtract(this.#hash);
  }

  /** Between slices others have their turn. */
  #pauses() {
    const { clock } = this.#host;
    let sliceFrom = clock.monotonic();
    let untilLook = LOOK;
    return {
      isDue: () => {
        untilLook -= 1;
        if (untilLook > 0) return false;
        untilLook = LOOK;
        return clock.monotonic() - sliceFrom >= SLICE_MS;
      },
      take: async () => {
        await new Promise<void>((resolve) => {
          clock.endOfTurn(resolve);
        });
        sliceFrom = clock.monotonic();
      },
    };
  }

  #stateOf({ moment: { offset }, sums }: Base): ViewsState {
    const states = [...sums].map(([view, { entities, hashes }]) => [view, { entities, checksum: String(hashes) }] as const);
    return { offset, folds: `${this.#host.views.version} ${SUMS}`, views: Object.fromEntries(states) };
  }

  /** What changed meanwhile would hold too much. */
  #forgetMany(): void {
    if (this.#open === 0 && this.#past.changed > MOST_CHANGED) this.#forget();
  }

  #forgetLater(): void {
    if (this.#open > 0) return;
    this.#cancelForget = this.#host.clock.after(KEPT_MS, () => {
      this.#forget();
    });
  }

  /** Whoever asks next begins anew. */
  #forget(): void {
    this.#last = undefined;
    this.#summing = Promise.resolve(undefined);
    this.#past.forget();
  }
}

function nextOf({ next }: Moment): Moment {
  if (next === undefined) throw new Error("moments are summed in their order");
  return next;
}
