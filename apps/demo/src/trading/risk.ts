/** What an order is refused for, and how far the demo's users go by themselves. */
import type Big from "big.js";
import { toBig } from "@broadtape/protocol/money";
import { instrumentOf } from "../desk/instruments.ts";
import { type Account, canBear } from "./account.ts";
import type { NewOrder } from "./book-keeping.ts";
import { type Side, netOf } from "./holding.ts";

/** Of the market's price: a limit further away is a slip of the finger. */
const FAR = toBig("0.01");
/** Of the instrument's largest order: the position beyond which nobody of the demo goes by choice. */
const USUAL_SHARE = toBig("0.2");

/** Why an order may not be; undefined where it may. */
export function objectionTo(order: NewOrder, account: Account, mark: Big): string | undefined {
  const { symbol, side, quantity, price } = order;
  if (price?.minus(mark).abs().gt(mark.times(FAR)) === true) return "the price is more than 1 % away from the market";
  if (!canBear(account, { symbol, side, quantity, price: price ?? mark })) return "not enough available balance";
  return undefined;
}

/** From -1, short as far as one usually goes, to 1; beyond it where somebody went further. */
export function exposureOf(account: Account, symbol: string): number {
  const largest = instrumentOf(symbol)?.largestQuantity;
  if (largest === undefined) throw new Error(`nobody deals in ${symbol}`);
  // A share, for chance: no money is counted by it.
  return netOf(account.holdings.get(symbol)).div(toBig(largest).times(USUAL_SHARE)).toNumber();
}

/** The way that leads back from a position that is large enough; undefined where both ways are open. */
export function wayBack(exposure: number): Side | undefined {
  if (exposure >= 1) return "sell";
  return exposure <= -1 ? "buy" : undefined;
}
