/** The dealing desk: takes requests for quotes, lets the providers answer them, deals. Knows no HTTP. */
import { type Decimal, compareDecimals, toBig, toJsonNumber } from "@broadtape/protocol/money";
import type { Quote } from "@broadtape/protocol/products/rfq/state";
import type { Clock } from "./clock.ts";
import { type DealBook, NO_BOOK } from "./deal-book.ts";
import type { NewId } from "./ids.ts";
import { INSTRUMENTS, type Instrument, instrumentOf } from "./instruments.ts";
import type { MarketPrices } from "./market-prices.ts";
import { PROVIDERS } from "./providers.ts";
import { answer } from "./quoter.ts";
import { type Random, wholeOf } from "./random.ts";
import { DeskRefusal } from "./refusal.ts";
import { RfqOnDesk, type Trade, type Trader } from "./rfq-on-desk.ts";
import type { Tape } from "./tape.ts";

export interface DeskOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly prices: MarketPrices;
  readonly tape: Pick<Tape, "write" | "isBehind">;
  readonly newId: NewId;
  /** Default: {@link NO_BOOK}. */
  readonly book?: DealBook;
}

export interface Order {
  readonly symbol: string;
  readonly side: "buy" | "sell" | "two-way";
  readonly quantity: Decimal;
  readonly seconds: number;
}

/** Which quote a trader takes; the best where it names none. */
export interface Choice {
  readonly quoteId?: string | undefined;
  readonly side?: "buy" | "sell" | undefined;
}

const MAX_OPEN_PER_TRADER = 20;
const MAX_OPEN = 200;
/** Ended RFQs that are remembered, so that a late click hears what became of them. */
const MAX_ENDED = 1000;
const VALIDATION_MS = { least: 80, most: 250 };
const DISTRIBUTION_MS = { least: 80, most: 300 };

export class Desk {
  readonly #options: DeskOptions;
  readonly #open = new Map<string, RfqOnDesk>();
  /** Oldest first, at most {@link MAX_ENDED}. */
  readonly #ended = new Map<string, RfqOnDesk>();
  #isClosed = false;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** Resolves when the RFQ is in the log. */
  async request(trader: Trader, order: Order): Promise<RfqOnDesk> {
    const instrument = this.#check(trader, order);
    const { clock, random, tape, newId } = this.#options;
    const rfqId = newId("rfq");
    const data = {
      rfqId,
      traderId: trader.userId,
      symbol: instrument.symbol,
      side: order.side,
      quantity: toJsonNumber(toBig(order.quantity)),
      expiresAt: new Date(clock.now() + order.seconds * 1000).toISOString(),
    };
    const rfq: RfqOnDesk = new RfqOnDesk(trader, data, {
      clock,
      write: (events, alongside) => tape.write(trader.tenant, rfqId, events, clock.now(), alongside),
      onEnd: () => {
        this.#bury(rfqId);
      },
    });
    this.#open.set(rfqId, rfq);
    rfq.later(wholeOf(VALIDATION_MS, random), () => {
      rfq.validate();
      rfq.later(wholeOf(DISTRIBUTION_MS, random), () => {
        this.#distribute(rfq, instrument);
      });
    });
    if ((await rfq.created) === "refused") throw new DeskRefusal(503, "the RFQ could not be published");
    return rfq;
  }

  /** Resolves when the trade is in the log. */
  async accept(trader: Trader, rfqId: string, choice: Choice = {}): Promise<Trade> {
    const rfq = this.#openOf(trader, rfqId);
    if (rfq.isTimeUp) throw new DeskRefusal(409, "the RFQ's time is up");
    const side = sideOf(rfq, choice.side);
    const quote = choice.quoteId === undefined ? bestOf(rfq.standing, side) : rfq.standing.find(({ id }) => id === choice.quoteId);
    const price = quote === undefined ? undefined : priceOf(quote, side);
    if (quote === undefined || price === undefined) {
      throw new DeskRefusal(409, choice.quoteId === undefined ? "no quote stands" : `the quote ${choice.quoteId} does not stand`);
    }
    const { id: quoteId, lpId } = quote;
    const trade: Trade = { tradeId: this.#options.newId("trade"), price, quantity: rfq.rfq.quantity, side, quoteId, lpId };
    const { book = NO_BOOK } = this.#options;
    const deal = { ...trade, symbol: rfq.rfq.symbol };
    const objection = book.objectionTo(trader, deal);
    if (objection !== undefined) throw new DeskRefusal(409, objection);
    if ((await rfq.fill(trade, (write) => book.settle(trader, deal, write))) === "refused")
      throw new DeskRefusal(409, "the RFQ is no longer open");
    return trade;
  }

  async cancel(trader: Trader, rfqId: string): Promise<void> {
    if ((await this.#openOf(trader, rfqId).cancel("cancelled by the trader")) === "refused")
      throw new DeskRefusal(409, "the RFQ is no longer open");
  }

  /** Takes no more requests and cancels what is open. */
  close(reason: string): void {
    this.#isClosed = true;
    for (const rfq of [...this.#open.values()]) void rfq.cancel(reason);
  }

  get openCount(): number {
    return this.#open.size;
  }

  #check({ userId, tenant }: Trader, { symbol, quantity, seconds }: Order): Instrument {
    const instrument = instrumentOf(symbol);
    if (instrument === undefined) throw new DeskRefusal(400, `symbol must be one of ${INSTRUMENTS.map((each) => each.symbol).join(", ")}`);
    const size = toBig(quantity);
    if (size.lte(0) || size.gt(toBig(instrument.largestQuantity)) || !size.eq(size.round(instrument.quantityDigits)))
      throw new DeskRefusal(
        400,
        `quantity must be above 0, at most ${instrument.largestQuantity}, with at most ${instrument.quantityDigits} decimals`,
      );
    if (!Number.isInteger(seconds) || seconds < 5 || seconds > 300)
      throw new DeskRefusal(400, "seconds must be a whole number from 5 to 300");
    if (this.#isClosed || this.#options.tape.isBehind || this.#options.prices.mid(symbol) === undefined)
      throw new DeskRefusal(503, "the desk is not dealing now");
    const own = [...this.#open.values()].filter(({ trader }) => trader.userId === userId && trader.tenant === tenant);
    if (own.length >= MAX_OPEN_PER_TRADER) throw new DeskRefusal(429, `at most ${MAX_OPEN_PER_TRADER} RFQs of a trader may be open`);
    if (this.#open.size >= MAX_OPEN) throw new DeskRefusal(429, `at most ${MAX_OPEN} RFQs may be open`);
    return instrument;
  }

  #distribute(rfq: RfqOnDesk, instrument: Instrument): void {
    const { clock, random, prices, tape, newId } = this.#options;
    rfq.distribute(PROVIDERS.length);
    for (const provider of PROVIDERS) {
      answer(rfq, provider, instrument, {
        now: () => clock.now(),
        random,
        mid: () => prices.mid(instrument.symbol),
        newQuoteId: () => newId("quote"),
        isBehind: () => tape.isBehind,
      });
    }
  }

  /** What is another's is as unknown as what never was. */
  #openOf({ userId, tenant }: Trader, rfqId: string): RfqOnDesk {
    const rfq = this.#open.get(rfqId) ?? this.#ended.get(rfqId);
    if (rfq?.trader.userId !== userId || rfq.trader.tenant !== tenant) throw new DeskRefusal(404, `there is no RFQ ${rfqId}`);
    if (!rfq.isOpen) throw new DeskRefusal(409, `the RFQ is ${rfq.status}`);
    return rfq;
  }

  #bury(rfqId: string): void {
    const rfq = this.#open.get(rfqId);
    if (rfq === undefined) return;
    this.#open.delete(rfqId);
    this.#ended.set(rfqId, rfq);
    for (const oldest of this.#ended.keys()) if (this.#ended.size > MAX_ENDED) this.#ended.delete(oldest);
  }
}

function sideOf({ rfq }: RfqOnDesk, chosen: Choice["side"]): "buy" | "sell" {
  if (rfq.side !== "two-way") {
    if (chosen !== undefined && chosen !== rfq.side) throw new DeskRefusal(400, `side: the RFQ is to ${rfq.side}`);
    return rfq.side;
  }
  if (chosen === undefined) throw new DeskRefusal(400, "side must be buy or sell, for the RFQ is two-way");
  return chosen;
}

function priceOf({ bidPrice, askPrice }: Quote, side: "buy" | "sell"): Decimal | undefined {
  return side === "buy" ? askPrice : bidPrice;
}

/** Among equals the one that came first. */
function bestOf(quotes: readonly Quote[], side: "buy" | "sell"): Quote | undefined {
  let best: Quote | undefined;
  for (const quote of quotes) {
    const [price, bestPrice] = [priceOf(quote, side), best && priceOf(best, side)];
    if (price === undefined) continue;
    const comparison = bestPrice === undefined ? -1 : compareDecimals(price, bestPrice);
    if (bestPrice === undefined || (side === "buy" ? comparison < 0 : comparison > 0)) best = quote;
  }
  return best;
}
