/** Brings what the server holds of this client's subscription to what is wanted, one request at a time. */
import type { FeedEvent } from "@broadtape/protocol/products/transactions/events";
import type { TransactionFilters } from "@broadtape/protocol/products/transactions/filters";
import type { FeedServerMessage } from "@broadtape/protocol/products/transactions/messages";
import type { FeedSubscription } from "@broadtape/protocol/products/transactions/subscription";
import type { ConnectedMessage } from "./feed-link.ts";

export interface SubscriptionChange {
  /** Default: transactions and balances. */
  readonly events?: readonly FeedEvent[] | undefined;
  /** Narrow transactions alone. Default: none. */
  readonly filters?: TransactionFilters | undefined;
}

export type SubscriptionRequest =
  | { readonly type: "subscribe"; readonly events: FeedEvent[]; readonly filters: TransactionFilters; readonly after?: string }
  | { readonly type: "unsubscribe"; readonly events: FeedEvent[] };

type Answer = Extract<FeedServerMessage, { type: "subscribed" | "unsubscribed" }>;

interface Waiter {
  readonly resolve: (subscription: FeedSubscription) => void;
  readonly reject: (error: Error) => void;
}

const DEFAULT_EVENTS: readonly FeedEvent[] = ["transaction", "balance"];
const NONE: FeedSubscription = { events: [], filters: {} };

export class SubscriptionSync {
  /** Undefined until the client or the server has said it. */
  #wanted: FeedSubscription | undefined;
  /** Wanted here and not confirmed yet. Otherwise what the server says counts: it may be changed over REST. */
  #isChanged: boolean;
  /** What the server has for this connection. */
  #held: FeedSubscription = NONE;
  /** Invariant: at most one request is without its answer; requests bear no id. */
  #asked: SubscriptionRequest | undefined;
  /** Where a server that remembers nothing is to go on. */
  #after: string | undefined;
  #waiters: Waiter[] = [];

  constructor({ events, filters }: SubscriptionChange) {
    this.#isChanged = events !== undefined || filters !== undefined;
    if (this.#isChanged) this.#wanted = merged(NONE, { events, filters });
  }

  get held(): FeedSubscription {
    return this.#held;
  }

  /** An answer is out. */
  get isAsking(): boolean {
    return this.#asked !== undefined;
  }

  /** Adds events and replaces the filters, as the server does it. */
  async subscribe(change: SubscriptionChange): Promise<FeedSubscription> {
    return this.#want(merged(this.#wanted ?? NONE, change));
  }

  async unsubscribe(ended: readonly FeedEvent[]): Promise<FeedSubscription> {
    const before = this.#wanted ?? merged(NONE, {});
    return this.#want({ ...before, events: before.events.filter((event) => !ended.includes(event)) });
  }

  /** @param position where a server that has forgotten this client is to go on */
  greeted({ resumed, subscription }: ConnectedMessage, position: string | undefined): void {
    this.#asked = undefined;
    this.#held = subscription ?? NONE;
    this.#after = resumed ? undefined : position;
    if (this.#wanted === undefined) {
      // A device that was lost before its first subscription is restored with none.
      this.#isChanged = this.#held.events.length === 0;
      this.#wanted = this.#isChanged ? merged(NONE, {}) : this.#held;
    } else if (resumed && !this.#isChanged) this.#wanted = this.#held;
  }

  /** What to ask for now; undefined while an answer is out, and when nothing is left to ask for. */
  next(): SubscriptionRequest | undefined {
    const wanted = this.#wanted ?? NONE;
    const held = this.#held;
    if (this.#asked !== undefined) return undefined;
    const { filters } = wanted;
    const isMissing = wanted.events.some((event) => !held.events.includes(event));
    if (isMissing || (wanted.events.length > 0 && !areEqual(filters, held.filters))) {
      return { type: "subscribe", events: [...wanted.events], filters, ...(this.#after !== undefined && { after: this.#after }) };
    }
    const surplus = held.events.filter((event) => !wanted.events.includes(event));
    return surplus.length > 0 ? { type: "unsubscribe", events: surplus } : undefined;
  }

  asked(request: SubscriptionRequest): void {
    this.#asked = request;
  }

  /** The answer to a request, or news of a change that was made elsewhere. */
  answered({ type, events, filters }: Answer): void {
    const asked = this.#asked;
    if (type === "subscribed" && asked?.type === "subscribe") {
      // As asked, not as echoed: a server that spells a filter otherwise is not asked again for ever.
      this.#held = { events, filters: asked.filters };
      this.#after = undefined;
      this.#asked = undefined;
    } else if (type === "unsubscribed" && asked?.type === "unsubscribe") {
      this.#held = { ...this.#held, events: this.#held.events.filter((event) => !asked.events.includes(event)) };
      this.#asked = undefined;
    } else {
      this.#held = { events, filters };
      if (!this.#isChanged) this.#wanted = this.#held;
    }
  }

  /** Nothing is left to ask for: all who wait are told. */
  settled(): void {
    this.#isChanged = false;
    for (const { resolve } of this.#waiters.splice(0)) resolve(this.#held);
  }

  /** Too much was asked: once more, later. */
  again(): void {
    this.#asked = undefined;
  }

  /** The server does not take what was asked for: what it has stays. Whether anything was asked. */
  refused(error: Error): boolean {
    if (this.#asked === undefined) return false;
    this.#asked = undefined;
    this.#wanted = this.#held;
    this.#isChanged = false;
    this.fail(error);
    return true;
  }

  cut(): void {
    this.#asked = undefined;
    this.#held = NONE;
  }

  fail(error: Error): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }

  async #want(wanted: FeedSubscription): Promise<FeedSubscription> {
    this.#wanted = wanted;
    this.#isChanged = true;
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }
}

function merged(before: FeedSubscription, { events = DEFAULT_EVENTS, filters = {} }: SubscriptionChange): FeedSubscription {
  return { events: [...new Set([...before.events, ...events])], filters };
}

/** Filters hold words, numbers and lists of words. */
function areEqual(one: TransactionFilters, other: TransactionFilters): boolean {
  const text = (filters: TransactionFilters) => JSON.stringify(Object.entries(filters).sort(([a], [b]) => (a < b ? -1 : 1)));
  return text(one) === text(other);
}
