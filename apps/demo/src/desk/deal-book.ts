/** Where the desk's deals are booked: a port, so that the desk knows no accounts. */
import type { Trade, Trader } from "./rfq-on-desk.ts";
import type { Outcome } from "./tape.ts";

export interface Deal extends Trade {
  readonly symbol: string;
}

/** Writes the end of the RFQ; these lines are stored with it or not at all. */
export type WriteDeal = (alongside: readonly string[]) => Promise<Outcome>;

export interface DealBook {
  /** Why the trader's account does not bear the deal, which is then booked as rejected; undefined where it does. */
  objectionTo(trader: Trader, deal: Deal): string | undefined;
  /** Calls `write` once, with what the deal makes of the trader's account. */
  settle(trader: Trader, deal: Deal, write: WriteDeal): Promise<Outcome>;
}

/** Books nothing. */
export const NO_BOOK: DealBook = {
  objectionTo: () => undefined,
  settle: (_trader, _deal, write) => write([]),
};
