/** The demo's traders: ask for prices now and then, and deal, walk away, wait in vain or ask for more time. */
import type { Clock } from "./clock.ts";
import type { Desk } from "./desk.ts";
import { INSTRUMENTS } from "./instruments.ts";
import { type Random, happens, oneOf, wholeOf } from "./random.ts";
import { DeskRefusal } from "./refusal.ts";
import type { RfqOnDesk, Trader } from "./rfq-on-desk.ts";

export interface TradersOptions {
  readonly desk: Desk;
  readonly clock: Clock;
  readonly random: Random;
  /** The side that a trader must take in a symbol, having gone far enough the other way. */
  readonly wayBack?: (trader: Trader, symbol: string) => "buy" | "sell" | undefined;
}

type Team = readonly [Trader, ...Trader[]];

const BANK: Team = [
  { userId: "ada", tenant: "demo-bank" },
  { userId: "ben", tenant: "demo-bank" },
];
const FUND: Team = [{ userId: "cleo", tenant: "demo-fund" }];
/** The traders of each tenant. */
export const TEAMS: readonly [Team, ...Team[]] = [BANK, FUND];
/** Users of the demo whom nobody has to be: they trade by themselves. No two have the same id, of whatever tenant. */
export const TRADERS: Team = [...BANK, ...FUND];
const SIDES = ["buy", "sell", "two-way"] as const;
/** What becomes of an RFQ; some appear more often than others. */
const PLANS = ["accept", "accept", "accept", "accept", "cancel", "expire", "extend", "extend"] as const;

const FIRST_AFTER_MS = { least: 500, most: 1500 };
const NEXT_AFTER_MS = { least: 7000, most: 10_000 };
const SECONDS = { least: 15, most: 40 };
const MORE_SECONDS = { least: 10, most: 20 };
/** RFQs of these traders that are open at a time. */
const MAX_OPEN = 6;

/** Goes on until called off. */
export function trade(options: TradersOptions): () => void {
  const { clock, random } = options;
  const open = new Set<RfqOnDesk>();
  let callOff: () => void;
  const next = (ms: number) => {
    callOff = clock.after(ms, () => {
      for (const rfq of open) if (!rfq.isOpen) open.delete(rfq);
      if (open.size < MAX_OPEN) void ask(options).then((rfq) => rfq && open.add(rfq));
      next(wholeOf(NEXT_AFTER_MS, random));
    });
  };
  next(wholeOf(FIRST_AFTER_MS, random));
  return () => {
    callOff();
  };
}

async function ask({ desk, random, wayBack }: TradersOptions): Promise<RfqOnDesk | undefined> {
  const instrument = oneOf(INSTRUMENTS, random);
  const trader = oneOf(TRADERS, random);
  const side = oneOf(SIDES, random);
  const order = {
    symbol: instrument.symbol,
    side: wayBack?.(trader, instrument.symbol) ?? side,
    quantity: oneOf(instrument.usualQuantities, random),
    seconds: wholeOf(SECONDS, random),
  };
  const rfq = await unlessRefused(desk.request(trader, order));
  if (rfq !== undefined) follow(rfq, order.seconds * 1000, { desk, random });
  return rfq;
}

function follow(rfq: RfqOnDesk, forMs: number, { desk, random }: Pick<TradersOptions, "desk" | "random">): void {
  const at = (leastPercent: number, mostPercent: number) =>
    Math.floor((forMs * wholeOf({ least: leastPercent, most: mostPercent }, random)) / 100);
  const accept = () => {
    const side = rfq.rfq.side !== "two-way" ? rfq.rfq.side : happens(50, random) ? "buy" : "sell";
    // Without a quote that stands it looks again, until time is up.
    if (rfq.standing.length === 0) rfq.later(500, accept);
    else void unlessRefused(desk.accept(rfq.trader, rfq.rfq.id, { side }));
  };
  const plan = oneOf(PLANS, random);
  switch (plan) {
    case "accept":
      rfq.later(at(35, 85), accept);
      return;
    case "cancel":
      rfq.later(at(20, 70), () => void unlessRefused(desk.cancel(rfq.trader, rfq.rfq.id)));
      return;
    case "extend": {
      const moreMs = 1000 * wholeOf(MORE_SECONDS, random);
      rfq.later(at(75, 90), () => {
        rfq.extend(moreMs);
        if (happens(60, random)) rfq.later(moreMs, accept);
      });
      return;
    }
    case "expire":
      return;
  }
}

/** The desk may be closed, full or without a price: a trader of the demo takes no for an answer. */
async function unlessRefused<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof DeskRefusal) return undefined;
    throw error;
  }
}
