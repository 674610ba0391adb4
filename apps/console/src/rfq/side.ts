/** Which side of a quote a trader deals on. */
import type { DealSide } from "./desk.ts";
import type { Decimal, Quote, Rfq } from "./rfq-types.ts";

/** The side of a deal: the RFQ's own, or the one chosen where it asked for both. */
export function dealSideOf(side: Rfq["side"], chosen: DealSide): DealSide {
  return side === "two-way" ? chosen : side;
}

/** A buyer pays the ask, a seller gets the bid; undefined where the provider does not quote that side. */
export function dealPriceOf({ bidPrice, askPrice }: Quote, side: DealSide): Decimal | undefined {
  return side === "buy" ? askPrice : bidPrice;
}
