/** The demo's users trade small orders by themselves: at the market, with limits that rest, and now and then with a slip of the finger. */
import type Big from "big.js";
import { toBig } from "@broadtape/protocol/money";
import type { Clock } from "../desk/clock.ts";
import { INSTRUMENTS, type Instrument, instrumentOf } from "../desk/instruments.ts";
import type { MarketPrices } from "../desk/market-prices.ts";
import { type Random, happens, oneOf, wholeOf } from "../desk/random.ts";
import type { Trader } from "../desk/rfq-on-desk.ts";
import { type NewOrder, ORDER_PREFIX } from "./book-keeping.ts";
import type { Books } from "./books.ts";
import type { Side } from "./holding.ts";
import { wayBack } from "./risk.ts";

export interface HouseOptions {
  readonly books: Books;
  readonly traders: readonly Trader[];
  readonly clock: Clock;
  readonly random: Random;
  readonly prices: Pick<MarketPrices, "mid">;
  /** A name that no other start of the demo has: with it, ids never repeat. */
  readonly run: string;
  /** 1 is the pace of people. */
  readonly speed: number;
}

/** An order that a trader has in mind, while the market has a price. */
interface Idea {
  readonly trader: Trader;
  readonly instrument: Instrument;
  readonly side: Side;
  readonly mid: Big;
}

const FIRST_AFTER_MS = { least: 1000, most: 4000 };
const NEXT_AFTER_MS = { least: 5000, most: 15_000 };
/** From the order to its fill at the market. */
const MARKET_MS = { least: 150, most: 600 };
/** A limit is looked at so often, and given up after so long. */
const LOOK_MS = 500;
const PATIENCE_MS = { least: 12_000, most: 40_000 };
const LIMIT_POINTS = { least: 2, most: 25 };
const LIMIT_PERCENT = 45;
/** How often a limit has a wrong digit. */
const SLIP_PERCENT = 8;
/** Percent of a usual quantity. */
const SIZE_PERCENT = { least: 2, most: 20 };
/** Limits that rest for one trader at a time. */
const MAX_RESTING = 4;

export class House {
  readonly #options: HouseOptions;
  /** What is due, by trader or order; nothing once it is closed. */
  readonly #due = new Set<() => void>();
  #isClosed = false;
  #orders = 0;

  constructor(options: HouseOptions) {
    this.#options = options;
    for (const trader of options.traders) this.#later(FIRST_AFTER_MS, () => this.#goOn(trader));
  }

  /** Begins nothing more; what is open is left as it is. */
  close(): void {
    this.#isClosed = true;
    for (const callOff of [...this.#due]) callOff();
  }

  /** An order at the market that somebody wants for a trader; its id, or undefined where none can be placed now. */
  place(trader: Trader, symbol: string, side: Side): string | undefined {
    const { books, prices } = this.#options;
    const instrument = instrumentOf(symbol);
    const mid = prices.mid(symbol);
    if (instrument === undefined || mid === undefined || this.#isClosed || books.isBehind) return undefined;
    if (books.accountOf(trader) === undefined) return undefined;
    const back = wayBack(books.exposureOf(trader, symbol));
    return back === undefined || back === side ? this.#atMarket({ trader, instrument, side, mid }) : undefined;
  }

  #goOn(trader: Trader): void {
    this.#later(NEXT_AFTER_MS, () => this.#goOn(trader));
    const { books, random, prices } = this.#options;
    const instrument = oneOf(INSTRUMENTS, random);
    const mid = prices.mid(instrument.symbol);
    if (mid === undefined || books.isBehind) return;
    const idea = { trader, instrument, side: this.#sideOf(trader, instrument), mid };
    const resting = books.accountOf(trader)?.orders.size ?? 0;
    if (happens(LIMIT_PERCENT, random) && resting < MAX_RESTING) this.#atLimit(idea);
    else this.#atMarket(idea);
  }

  /** The more is held, the likelier the way back. */
  #sideOf(trader: Trader, { symbol }: Instrument): Side {
    const { books, random } = this.#options;
    const exposure = Math.max(-1, Math.min(1, books.exposureOf(trader, symbol)));
    return happens(50 - 45 * exposure, random) ? "buy" : "sell";
  }

  #atMarket({ trader, instrument, side, mid }: Idea): string {
    const { books, prices } = this.#options;
    const order = this.#order(instrument, side, "market", null);
    void books.place(trader, order).then(() => {
      this.#later(MARKET_MS, () => {
        const price = atPoints(prices.mid(instrument.symbol) ?? mid, instrument, side === "buy" ? 1 : -1);
        void books.fill(trader, order.id, price);
      });
    });
    return order.id;
  }

  #atLimit({ trader, instrument, side, mid }: Idea): void {
    const { books, random, clock, speed } = this.#options;
    const points = wholeOf(LIMIT_POINTS, random);
    const limit = atPoints(mid, instrument, side === "buy" ? -points : points);
    // A digit too many: a fiftieth away from the market.
    const price = happens(SLIP_PERCENT, random) ? limit.times(side === "buy" ? "1.02" : "0.98").round(instrument.priceDigits) : limit;
    const order = this.#order(instrument, side, "limit", price);
    const givenUpAt = clock.now() + wholeOf(PATIENCE_MS, random) / speed;
    void books.place(trader, order).then(() => {
      this.#watch(trader, order, price, givenUpAt);
    });
  }

  #watch(trader: Trader, order: NewOrder, limit: Big, givenUpAt: number): void {
    const { books, clock, prices } = this.#options;
    if (books.accountOf(trader)?.orders.has(order.id) !== true) return;
    const mid = prices.mid(order.symbol);
    const isReached = mid !== undefined && (order.side === "buy" ? mid.lte(limit) : mid.gte(limit));
    if (isReached) void books.fill(trader, order.id, limit);
    else if (clock.now() >= givenUpAt) void books.cancel(trader, order.id, "not filled in time");
    else this.#later({ least: LOOK_MS, most: LOOK_MS }, () => this.#watch(trader, order, limit, givenUpAt));
  }

  #order({ symbol, usualQuantities }: Instrument, side: Side, type: "market" | "limit", price: Big | null): NewOrder {
    const { random, run } = this.#options;
    const usual = toBig(oneOf(usualQuantities, random));
    const quantity = usual.times(wholeOf(SIZE_PERCENT, random)).div(100).round(0, WHOLE_UP);
    return { id: `${ORDER_PREFIX}${run}-${(++this.#orders).toString(36)}`, symbol, side, type, quantity, price };
  }

  #later(ms: Parameters<typeof wholeOf>[0], act: () => void): void {
    if (this.#isClosed) return;
    const { clock, random, speed } = this.#options;
    const timer = clock.after(wholeOf(ms, random) / speed, () => {
      this.#due.delete(callOff);
      act();
    });
    const callOff = () => {
      this.#due.delete(callOff);
      timer();
    };
    this.#due.add(callOff);
  }
}

const WHOLE_UP = 3;

/** So many points above the middle of the market, in the digits of its prices. */
function atPoints(mid: Big, { point, priceDigits }: Instrument, points: number): Big {
  return mid.plus(toBig(point).times(points)).round(priceDigits);
}
