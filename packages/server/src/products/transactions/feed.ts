/** One client of the money feed, whatever surface it came in by: its subscription, its acks, and what it is told of both. */
import { ledgerId, parseEventId } from "@broadtape/protocol/event-id";
import { parseJson } from "@broadtape/protocol/json";
import { FEED_EVENTS, type FeedEvent, feedEventOf } from "@broadtape/protocol/products/transactions/events";
import { type TransactionFilters, compileTransactionFilters } from "@broadtape/protocol/products/transactions/filters";
import type { Ack, FeedServerMessage } from "@broadtape/protocol/products/transactions/messages";
import {
  type FeedSubscription,
  type SubscriptionRequest,
  subscribed,
  unsubscribed,
} from "@broadtape/protocol/products/transactions/subscription";
import { balanceMessageOf } from "@broadtape/protocol/products/transactions/words";
import { isoTime } from "../../engine/clock.ts";
import { Delivery, type DeliveryRules } from "../../engine/delivery.ts";
import type { Followed } from "../../engine/following.ts";
import type { Message } from "../../engine/message.ts";
import type { Session } from "../../engine/session.ts";
import type { Subscriber } from "../../engine/subscriber.ts";
import type { Desk } from "../../engine/surface.ts";
import { topicOf, transactionTest, wallets } from "./declaration.ts";
import type { Spell } from "./words.ts";

export interface FeedTerms {
  /** Undefined where the client gives no acks. */
  readonly rules: DeliveryRules | undefined;
  /** What the query asks for at once. */
  readonly request: SubscriptionRequest | undefined;
  /** Where the client says it is. */
  readonly after?: string | undefined;
}

const NOTHING: FeedSubscription = { events: [], filters: {} };

export class Feed {
  readonly #session: Session;
  readonly #desk: Desk;
  readonly #spell: Spell;
  #subscription: FeedSubscription = NOTHING;
  #test: ((message: Message) => boolean) | undefined;
  #subscriber: Subscriber | undefined;

  constructor(session: Session, desk: Desk, spell: Spell) {
    this.#session = session;
    this.#desk = desk;
    this.#spell = spell;
  }

  /** Greets the client; one that named itself goes on where it was. Rejects where the registry cannot be read. */
  async open({ rules, request, after }: FeedTerms): Promise<void> {
    const { clientId } = this.#session.peer;
    const returned = clientId === undefined ? undefined : await this.#desk.subscribers.returned(this.#session, clientId, rules);
    if (this.#session.isClosed) return;
    if (clientId === undefined && rules !== undefined) {
      const acked = { upTo: this.#desk.routedTo, gaps: [] };
      this.#session.guarantee(new Delivery(rules, this.#desk.clock, { acked, attempts: new Map() }));
    }
    this.#subscriber = returned?.subscriber;
    if (this.#subscriber !== undefined) this.#subscriber.onChanged = (wants) => this.#replace(wantsOf(wants));
    const resumed = returned?.isKnown === true;
    if (resumed) this.#set(wantsOf(returned.subscriber.wants));
    this.#say({
      type: "connected",
      connectionId: this.#session.id,
      timestamp: isoTime(this.#desk.clock.now()),
      resumed,
      ...(resumed && { subscription: this.#standing() }),
    });
    if (resumed && after === undefined) this.#resume(returned.after, returned.lost);
    if (request !== undefined) await this.subscribe(request, after);
  }

  /** Adds events and replaces the filters. Resolves when the client was told, after everything that it missed since `after`. */
  async subscribe(request: SubscriptionRequest, after?: string): Promise<void> {
    this.#set(subscribed(this.#subscription, request));
    // Before it begins: a client that was answered is told everything since, though the process ends at once.
    await this.#keep();
    if (this.#session.isClosed || this.#desk.sendBack(this.#session, after)) return;
    const { following } = this.#session;
    // Whoever asks for what it missed asks for all of it.
    const topics = after === undefined ? this.#topics().filter((topic) => !following.has(topic)) : this.#topics();
    const place = after === undefined ? undefined : this.#desk.resumeAt(after);
    const { delivery } = this.#session.outbox;
    if (place !== undefined) {
      if ("offset" in place) delivery?.rewind(place.offset);
      else delivery?.restart(this.#desk.routedTo);
    }
    const { resync } = await this.#follow(topics, after);
    // Where it wanted to go on is its place only now.
    if (after !== undefined) await this.#keep();
    if (resync !== undefined) this.#say({ type: "resync", reason: resync.reason });
    this.#sayStanding("subscribed");
    if (resync !== undefined || (request.events ?? ["balance"]).includes("balance")) this.#sayBalances();
  }

  async unsubscribe(ended: readonly FeedEvent[]): Promise<void> {
    this.#set(unsubscribed(this.#subscription, ended));
    this.#leaveTopics();
    await this.#keep();
    this.#sayStanding("unsubscribed");
  }

  /** Unknown, foreign and repeated ids change nothing and are answered with nothing. */
  acknowledge(ack: Ack): void {
    const { delivery } = this.#session.outbox;
    if (delivery === undefined) return;
    const acked: number[] = [];
    if ("upTo" in ack) {
      const offset = this.#offsetOf(ack.upTo);
      if (offset !== undefined) acked.push(...delivery.ackUpTo(offset));
    } else {
      for (const eventId of ack.eventIds) {
        const offset = this.#offsetOf(eventId);
        if (offset !== undefined && delivery.ack(offset)) acked.push(offset);
      }
    }
    if (acked.length > 0) this.#session.acked(acked);
  }

  /** What it wants was set over REST. */
  #replace(subscription: FeedSubscription): void {
    const before = new Set(this.#topics());
    const isNew = subscription.events.includes("balance") && !this.#subscription.events.includes("balance");
    this.#set(subscription);
    this.#leaveTopics();
    this.#desk.follow(this.#session, { topics: this.#topics().filter((topic) => !before.has(topic)), ...this.#terms() }, Infinity, () => {
      this.#sayStanding("subscribed");
      if (isNew) this.#sayBalances();
    });
  }

  /** Everything that is pending, in order, then what came since, then live. */
  #resume(after: number, lost: "unknown" | "expired" | undefined): void {
    const { delivery } = this.#session.outbox;
    const topics = this.#topics();
    if (lost !== undefined) {
      this.#desk.follow(this.#session, { topics, ...this.#terms() }, Infinity, () => {
        this.#say({ type: "resync", reason: lost });
        this.#sayBalances();
      });
    } else {
      this.#desk.follow(this.#session, { topics, ...this.#terms(), after: this.#desk.cursorAt(after) }, Infinity, ({ resync }) => {
        // What was pending and is followed no more is waited for no more.
        delivery?.dropUnsent();
        if (resync !== undefined) this.#say({ type: "resync", reason: resync.reason });
        if (resync !== undefined) this.#sayBalances();
      });
    }
    if (this.#subscriber !== undefined) this.#subscriber.isFollowing = true;
  }

  #follow(topics: readonly string[], after: string | undefined): Promise<Followed> {
    return new Promise((resolve) => {
      this.#desk.follow(this.#session, { topics, ...this.#terms(), after }, Infinity, resolve);
      if (this.#subscriber !== undefined) this.#subscriber.isFollowing = true;
    });
  }

  #terms() {
    return { accepts: (message: Message) => this.#accepts(message), snapshot: false } as const;
  }

  /** Asked for each message: a change holds from the next one on. */
  #accepts(message: Message): boolean {
    const event = feedEventOf(message.event);
    if (event === undefined || !this.#subscription.events.includes(event)) return false;
    return event !== "transaction" || this.#test === undefined || this.#test(message);
  }

  #set(subscription: FeedSubscription): void {
    this.#subscription = subscription;
    this.#test =
      Object.keys(subscription.filters).length === 0 ? undefined : transactionTest(compileTransactionFilters(subscription.filters));
  }

  /** Where the registry is away it is written later: the client is served all the same. */
  async #keep(): Promise<void> {
    if (this.#subscriber === undefined) return;
    const { events, filters } = this.#subscription;
    this.#desk.subscribers.wants(this.#subscriber, { events, filters: JSON.stringify(filters) });
    await this.#desk.subscribers.keep(this.#subscriber).catch(this.#desk.onFault);
  }

  #topics(): string[] {
    return [...new Set(this.#subscription.events.map((event) => topicOf(event, this.#session.identity.userId)))];
  }

  #leaveTopics(): void {
    const wanted = new Set(this.#topics());
    for (const name of [...this.#session.following.keys()]) if (!wanted.has(name)) this.#desk.unfollow(this.#session, name);
  }

  #sayStanding(type: "subscribed" | "unsubscribed"): void {
    this.#say({ type, ...this.#standing(), timestamp: isoTime(this.#desk.clock.now()) });
  }

  #standing() {
    return { events: [...this.#subscription.events], filters: this.#subscription.filters };
  }

  /** As they stand, each with the event that set it; they need no ack. */
  #sayBalances(): void {
    if (!this.#subscription.events.includes("balance")) return;
    const { tenant, userId } = this.#session.identity;
    for (const { currency, balance } of this.#desk.views.entry(wallets, tenant, userId)?.state.wallets ?? []) {
      if (balance === undefined) continue;
      const { offset, time, ...amounts } = balance;
      this.#say(balanceMessageOf({ currency, ...amounts }, { eventId: ledgerId(this.#desk.epoch, offset), time }));
    }
  }

  #offsetOf(eventId: string): number | undefined {
    const place = parseEventId(eventId);
    return place?.epoch === this.#desk.epoch ? place.offset : undefined;
  }

  #say(message: FeedServerMessage): void {
    this.#session.say(this.#spell(message));
  }
}

/** What the registry keeps; this product wrote it. */
function wantsOf({ events, filters }: { readonly events: readonly string[]; readonly filters: string }): FeedSubscription {
  return { events: FEED_EVENTS.filter((event) => events.includes(event)), filters: parseJson(filters) as TransactionFilters };
}
