/** The accounts of the demo's users, and the one way in which they change: one change at a time, in effect when it is stored. */
import type Big from "big.js";
import { toBig } from "@broadtape/protocol/money";
import type { Order } from "@broadtape/protocol/products/trading/entities";
import type { Clock } from "../desk/clock.ts";
import type { Deal, DealBook } from "../desk/deal-book.ts";
import { instrumentOf } from "../desk/instruments.ts";
import type { MarketPrices } from "../desk/market-prices.ts";
import { type Random, wholeOf } from "../desk/random.ts";
import type { Trader } from "../desk/rfq-on-desk.ts";
import type { Outcome } from "../desk/tape.ts";
import { type Account, lockedOf, refunded } from "./account.ts";
import { type Change, type NewOrder, ORDER_PREFIX, balanceEvent, cancelled, filled, placed, rejected } from "./book-keeping.ts";
import { lineOf } from "./events.ts";
import { exposureOf, objectionTo } from "./risk.ts";

export interface BooksOptions {
  /** As they stand. Others have no account: what they deal is booked nowhere. */
  readonly accounts: readonly Account[];
  readonly clock: Clock;
  readonly random: Random;
  readonly prices: Pick<MarketPrices, "mid">;
  /** Resolves when the lines are stored. */
  readonly publish: (lines: readonly string[]) => Promise<void>;
  /** Hears of a fault: nothing changes any more. */
  readonly onFault: (error: unknown) => void;
}

/** Computes a change from the account as it is stored; undefined where nothing is to change. */
type Compute = (account: Account, now: number) => Change | undefined;
/** Stores the lines of a change, all or none. */
type Write = (lines: readonly string[]) => Promise<Outcome>;

/** Of the instrument's largest order: from here on a deal is filled in two parts. */
const LARGE_SHARE = toBig("0.04");
const SECOND_PART_MS = { least: 400, most: 1500 };
/** Beyond it the server is away or slow: nobody begins anything new. */
const BEHIND = 20;

export class Books implements DealBook {
  readonly #options: BooksOptions;
  /** By {@link keyOf}. Invariant: what is here is stored. */
  readonly #accounts: Map<string, Account>;
  /** What waits for its turn, the one whose turn it is included. */
  #waiting = 0;
  #turn: Promise<void> = Promise.resolve();
  #isBroken = false;

  constructor(options: BooksOptions) {
    this.#options = options;
    this.#accounts = new Map(options.accounts.map((account) => [keyOf(account), account]));
  }

  get isBehind(): boolean {
    return this.#waiting > BEHIND;
  }

  /** As it is stored; undefined for whoever has none. */
  accountOf(trader: Trader): Account | undefined {
    return this.#accounts.get(keyOf(trader));
  }

  exposureOf(trader: Trader, symbol: string): number {
    const account = this.accountOf(trader);
    return account === undefined ? 0 : exposureOf(account, symbol);
  }

  objectionTo(trader: Trader, deal: Deal): string | undefined {
    const account = this.accountOf(trader);
    if (account === undefined) return undefined;
    const order = orderOfDeal(deal);
    const reason = objectionTo(order, account, this.#markOf(order.symbol) ?? toBig(deal.price));
    if (reason !== undefined && !this.isBehind) void this.#change(trader, (current, now) => rejected(current, order, reason, now));
    return reason;
  }

  async settle(trader: Trader, deal: Deal, write: Write): Promise<Outcome> {
    if (this.accountOf(trader) === undefined) return write([]);
    const order = orderOfDeal(deal);
    const price = toBig(deal.price);
    const first = firstPartOf(order);
    const book = (account: Account, now: number): Change => {
      const open = placed(account, order, now);
      const done = filled(open.account, { orderId: order.id, quantity: first, price, mark: this.#markOf(order.symbol) ?? price }, now);
      return { account: done.account, events: [...open.events, ...done.events] };
    };
    const outcome = await this.#change(trader, book, write);
    if (outcome === "stored" && first.lt(order.quantity))
      this.#options.clock.after(wholeOf(SECOND_PART_MS, this.#options.random), () => void this.fill(trader, order.id, price));
    return outcome;
  }

  /** Resolves when the order is open, or rejected. */
  async place(trader: Trader, order: NewOrder): Promise<void> {
    await this.#change(trader, (account, now) => {
      const funded = refunded(account);
      const rich = funded ?? account;
      const mark = this.#markOf(order.symbol);
      const objection = mark === undefined ? "there is no price" : objectionTo(order, rich, mark);
      const { account: after, events } = objection === undefined ? placed(rich, order, now) : rejected(rich, order, objection, now);
      const isMoved = funded !== undefined || !lockedOf(after).eq(lockedOf(account));
      return { account: after, events: [...events, ...(isMoved ? [balanceEvent(after, `${order.id}/balance`)] : [])] };
    });
  }

  /** Fills what is left of an open order; nothing where it is open no longer. */
  async fill(trader: Trader, orderId: string, price: Big): Promise<void> {
    await this.#change(trader, (account, now) => {
      const order = account.orders.get(orderId);
      return order && this.#filledUp(account, order, price, now);
    });
  }

  /** Nothing where it is open no longer. */
  async cancel(trader: Trader, orderId: string, reason: string): Promise<void> {
    await this.#change(trader, (account) => {
      const order = account.orders.get(orderId);
      return order && cancelled(account, order, reason);
    });
  }

  /** Leaves no order open: a deal that is filled in part is a deal, so it is filled up; the others are cancelled. */
  async endOpenOrders(reason: string): Promise<void> {
    for (const account of this.#accounts.values()) {
      for (const id of account.orders.keys()) {
        await this.#change(account, (current, now) => {
          const order = current.orders.get(id);
          if (order === undefined) return undefined;
          const isBegun = toBig(order.filledQuantity).gt(0) && order.price !== null;
          return isBegun ? this.#filledUp(current, order, toBig(order.price), now) : cancelled(current, order, reason);
        });
      }
    }
  }

  /** Resolves when everything asked for so far is stored. */
  async idle(): Promise<void> {
    await this.#turn;
  }

  #filledUp(account: Account, order: Order, price: Big, now: number): Change {
    const quantity = toBig(order.quantity).minus(toBig(order.filledQuantity));
    return filled(account, { orderId: order.id, quantity, price, mark: this.#markOf(order.symbol) ?? price }, now);
  }

  #markOf(symbol: string): Big | undefined {
    return this.#options.prices.mid(symbol);
  }

  async #change(trader: Trader, compute: Compute, write: Write = (lines) => this.#publish(lines)): Promise<Outcome> {
    this.#waiting++;
    const done = this.#turn.then(async () => {
      try {
        return this.#isBroken ? "refused" : await this.#apply(trader, compute, write);
      } catch (error) {
        this.#isBroken = true;
        this.#options.onFault(error);
        return "refused";
      } finally {
        this.#waiting--;
      }
    });
    this.#turn = done.then(() => undefined);
    return done;
  }

  async #apply(trader: Trader, compute: Compute, write: Write): Promise<Outcome> {
    const account = this.#accounts.get(keyOf(trader));
    if (account === undefined) throw new Error(`${trader.userId} of ${trader.tenant} has no account`);
    const now = this.#options.clock.now();
    const change = compute(account, now);
    if (change === undefined) return "stored";
    const outcome = await write(change.events.map((event) => lineOf(event, account.tenant, now)));
    if (outcome === "stored") this.#accounts.set(keyOf(account), change.account);
    return outcome;
  }

  async #publish(lines: readonly string[]): Promise<Outcome> {
    await this.#options.publish(lines);
    return "stored";
  }
}

function keyOf({ userId, tenant }: Trader): string {
  return `${tenant} ${userId}`;
}

/** An RFQ's order is made when a quote is taken, at its price. */
function orderOfDeal({ tradeId, symbol, side, quantity, price }: Deal): NewOrder {
  return { id: `${ORDER_PREFIX}${tradeId}`, symbol, side, type: "rfq", quantity: toBig(quantity), price: toBig(price) };
}

/** All of a usual order, somewhat more than half of a large one. */
function firstPartOf({ symbol, quantity }: NewOrder): Big {
  const instrument = instrumentOf(symbol);
  if (instrument === undefined) throw new Error(`nobody deals in ${symbol}`);
  if (quantity.lt(toBig(instrument.largestQuantity).times(LARGE_SHARE))) return quantity;
  return quantity.times("0.6").round(instrument.quantityDigits);
}
