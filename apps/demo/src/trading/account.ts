/** A user's trading account: cash, what is held, orders that are open. Plain data; what changes it gives a new one. */
import type Big from "big.js";
import { toBig } from "@broadtape/protocol/money";
import type { Balance, Order } from "@broadtape/protocol/products/trading/entities";
import type { Holding } from "./holding.ts";

export interface Account {
  readonly userId: string;
  readonly tenant: string;
  /** In cents: what was paid in, gained and lost, less fees. */
  readonly cash: Big;
  /** By symbol. */
  readonly holdings: ReadonlyMap<string, Holding>;
  /** Open ones, by id. */
  readonly orders: ReadonlyMap<string, Order>;
}

/** All that the desk deals in is quoted in it. */
export const CURRENCY = "USD";
/** What everybody begins with, and the house pays in again before it is used up. */
export const STAKE = toBig(5_000_000);
const LEAST_CASH = toBig(1_000_000);
/** Of a notional amount, what is locked for it: fifty times the money. */
const MARGIN = toBig("0.02");
/** Of a trade's value: 20 in a million. */
const FEE = toBig("0.00002");

const CENTS = 2;
const HALF_EVEN = 2;
const UP = 3;

export function emptyAccount(userId: string, tenant: string): Account {
  return { userId, tenant, cash: STAKE, holdings: new Map(), orders: new Map() };
}

export function inCents(amount: Big): Big {
  return amount.round(CENTS, HALF_EVEN);
}

export function feeOf(value: Big): Big {
  return inCents(value.times(FEE));
}

/** What is held, and what open orders would add to it, binds this much. */
export function lockedOf({ holdings, orders }: Account): Big {
  let notional = toBig(0);
  for (const { quantity, entryPrice } of holdings.values()) notional = notional.plus(quantity.times(entryPrice));
  for (const { quantity, filledQuantity, price } of orders.values())
    if (price !== null) notional = notional.plus(toBig(quantity).minus(toBig(filledQuantity)).times(toBig(price)));
  return notional.times(MARGIN).round(CENTS, UP);
}

export function balanceOf(account: Account): Balance {
  const locked = lockedOf(account);
  return {
    currency: CURRENCY,
    total: account.cash.toFixed(CENTS),
    available: account.cash.minus(locked).toFixed(CENTS),
    locked: locked.toFixed(CENTS),
  };
}

/** Whether the account can bear more of this: always, where it makes the position smaller. */
export function canBear(account: Account, { symbol, side, quantity, price }: Pick<Holding, "symbol"> & BearableFill): boolean {
  const held = account.holdings.get(symbol);
  const isReducing = held !== undefined && (held.side === "long") === (side === "sell") && quantity.lte(held.quantity);
  return isReducing || account.cash.minus(lockedOf(account)).gte(quantity.times(price).times(MARGIN));
}

interface BearableFill {
  readonly side: "buy" | "sell";
  readonly quantity: Big;
  readonly price: Big;
}

/** The account with the stake paid in again, where little is left; undefined where there is enough. */
export function refunded(account: Account): Account | undefined {
  return account.cash.lt(LEAST_CASH) ? { ...account, cash: account.cash.plus(STAKE) } : undefined;
}

/** The same account with an order as it stands now: kept while it is open. */
export function withOrder(account: Account, order: Order, isOpen: boolean): Account {
  const orders = new Map(account.orders);
  if (isOpen) orders.set(order.id, order);
  else orders.delete(order.id);
  return { ...account, orders };
}
