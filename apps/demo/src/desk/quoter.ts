/** One provider answering one RFQ: waits, quotes or declines, follows the market, withdraws, lapses, comes again. */
import type Big from "big.js";
import { toBig } from "@broadtape/protocol/money";
import type { Instrument } from "./instruments.ts";
import type { Provider } from "./providers.ts";
import { type Price, isWithinSize, priceAround } from "./quoting.ts";
import { type Random, happens, wholeOf } from "./random.ts";
import type { RfqOnDesk } from "./rfq-on-desk.ts";

export interface QuoterPorts {
  readonly now: () => number;
  readonly random: Random;
  /** The middle of the market. */
  readonly mid: () => Big | undefined;
  readonly newQuoteId: () => string;
  /** The server does not keep up: a change of price can wait. */
  readonly isBehind: () => boolean;
}

interface StandingQuote {
  readonly id: string;
  readonly lapsesAt: number;
  readonly price: Price;
}

/** Begins when the RFQ is distributed and ends with it. */
export function answer(rfq: RfqOnDesk, provider: Provider, instrument: Instrument, ports: QuoterPorts): void {
  const { id: lpId, name: lpName, habits } = provider;
  const { random, now } = ports;
  const { side, quantity } = rfq.rfq;
  const in_ = (range: keyof typeof habits & `${string}Ms`) => wholeOf(habits[range], random);

  const begin = () => {
    if (isWithinSize(toBig(quantity), instrument, habits) && !happens(habits.declinesPercent, random)) quote();
    else rfq.quote({ quoteId: ports.newQuoteId(), lpId, lpName, status: "rejected" });
  };
  const quote = () => {
    const price = priceNow();
    if (price === undefined) return;
    const standing = { id: ports.newQuoteId(), lapsesAt: now() + in_("lifeMs"), price };
    tell(standing);
    lookLater(standing);
  };
  const lookLater = (standing: StandingQuote) => {
    rfq.later(Math.min(in_("looksEachMs"), standing.lapsesAt - now()), () => look(standing));
  };
  const look = (standing: StandingQuote) => {
    if (now() >= standing.lapsesAt || happens(habits.withdrawsPercent, random)) {
      rfq.expireQuote(standing.id, lpId);
      rfq.later(in_("returnsAfterMs"), quote);
      return;
    }
    const price = priceNow() ?? standing.price;
    const changed = { ...standing, price };
    if (ports.isBehind() || isSame(price, standing.price)) {
      lookLater(standing);
      return;
    }
    tell(changed);
    lookLater(changed);
  };
  const priceNow = () => {
    const mid = ports.mid();
    return mid === undefined ? undefined : priceAround(mid, instrument, habits, random);
  };
  const tell = ({ id: quoteId, lapsesAt, price: { bid, ask } }: StandingQuote) => {
    rfq.quote({
      quoteId,
      lpId,
      lpName,
      ...(side !== "buy" && { bidPrice: bid, bidSize: quantity }),
      ...(side !== "sell" && { askPrice: ask, askSize: quantity }),
      status: "valid",
      expiresAt: new Date(lapsesAt).toISOString(),
    });
  };
  rfq.later(in_("delayMs"), begin);
}

function isSame(a: Price, b: Price): boolean {
  return a.bid.digits === b.bid.digits && a.ask.digits === b.ask.digits;
}
