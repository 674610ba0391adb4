/**
 * Checksums of a node's views at an offset, by which nodes are compared: the same log folded by the same code gives the same.
 * Made when somebody asks, from a capture of one moment, a slice of a few milliseconds at a time.
 */
import { hash } from "node:crypto";
import type { Offset } from "@broadtape/protocol/event-id";
import { Refusal } from "@broadtape/protocol/errors";
import type { ViewsState } from "@broadtape/protocol/operations";
import type { Engine } from "../engine/engine.ts";
import type { Captured } from "../engine/views.ts";
import { canonicalJson } from "./canonical.ts";

/** Captures that wait or are summed at once: each holds all states of its moment. */
const MOST = 4;
const SLICE_MS = 4;
/** Entities between two looks at the clock. */
const LOOK = 64;

type Host = Pick<Engine, "views" | "routedTo" | "clock" | "onStored">;

interface Capture {
  readonly offset: Offset;
  readonly views: readonly Captured[];
}

interface Waiting {
  readonly from: Offset;
  readonly take: (capture: Capture) => void;
}

export class ViewSums {
  readonly #host: Host;
  readonly #waiting = new Set<Waiting>();
  /** One after the other; settles when all are made. */
  #summing: Promise<unknown> = Promise.resolve();
  #open = 0;
  #last: { readonly offset: Offset; readonly state: Promise<ViewsState> } | undefined;

  constructor(host: Host) {
    this.#host = host;
    host.onStored(() => {
      this.#routed();
    });
  }

  /**
   * The views at the first offset from `from` on, where that comes within `waitMs`, else as they stand then. Batches are folded
   * whole and are the same on every node, so nodes that are asked for the same offset before they reach it capture at the same one.
   * Throws LIMIT_REACHED where too many ask.
   */
  async at(from: Offset, waitMs: number): Promise<ViewsState> {
    if (this.#open >= MOST) throw new Refusal("LIMIT_REACHED", "the views are being compared already", { retryAfterMs: 1000 });
    this.#open += 1;
    try {
      return await this.#stateOf(await this.#capture(from, waitMs));
    } finally {
      this.#open -= 1;
    }
  }

  async #capture(from: Offset, waitMs: number): Promise<Capture> {
    if (waitMs <= 0 || this.#host.routedTo >= from) return this.#now();
    const { promise, resolve } = Promise.withResolvers<Capture>();
    const waiting = { from, take: resolve };
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
    const capture = this.#now();
    for (const each of due) {
      this.#waiting.delete(each);
      each.take(capture);
    }
  }

  #now(): Capture {
    const { routedTo: offset, views } = this.#host;
    return { offset, views: views.capture() };
  }

  #stateOf(capture: Capture): Promise<ViewsState> {
    // What an offset stands for never changes, nor does the code that folds while the process runs.
    if (this.#last?.offset === capture.offset) return this.#last.state;
    const state = this.#summing.then(() => this.#sum(capture));
    this.#summing = state.catch(() => undefined);
    this.#last = { offset: capture.offset, state };
    return state;
  }

  async #sum({ offset, views }: Capture): Promise<ViewsState> {
    const { clock, views: known } = this.#host;
    const sums = new Map(known.names().map((name) => [name, { entities: 0, sum: 0n }]));
    let sliceFrom = clock.monotonic();
    let untilLook = LOOK;
    for (const { view, tenant, entities, entries } of views) {
      const own = sums.get(view);
      if (own === undefined) throw new Error(`the view ${view} has no name of its own`);
      for (const [index, entry] of entries.entries()) {
        own.entities += 1;
        own.sum = BigInt.asUintN(64, own.sum + hashOf(tenant, entities[index] ?? "", entry));
        untilLook -= 1;
        if (untilLook > 0) continue;
        untilLook = LOOK;
        if (clock.monotonic() - sliceFrom < SLICE_MS) continue;
        await new Promise<void>((resolve) => {
          clock.endOfTurn(resolve);
        });
        sliceFrom = clock.monotonic();
      }
    }
    const states = [...sums].map(
      ([name, { entities, sum }]) => [name, { entities, checksum: sum.toString(16).padStart(16, "0") }] as const,
    );
    return { offset, folds: known.version, views: Object.fromEntries(states) };
  }
}

function hashOf(tenant: string, entity: string, entry: unknown): bigint {
  return hash("sha256", canonicalJson([tenant, entity, entry]), "buffer").readBigUInt64BE(0);
}
