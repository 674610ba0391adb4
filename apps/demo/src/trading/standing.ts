/** The accounts as the server knows them: books that are opened again go on from there. */
import { toBig } from "@broadtape/protocol/money";
import type { Balance, Order, Position } from "@broadtape/protocol/products/trading/entities";
import { isOrderOpen } from "@broadtape/protocol/products/trading/state";
import type { Trader } from "../desk/rfq-on-desk.ts";
import { type Reader, readTopic, signIn } from "../topics.ts";
import { type Account, CURRENCY, emptyAccount } from "./account.ts";
import { ORDER_PREFIX, POSITION_PREFIX } from "./book-keeping.ts";
import { holdingOf } from "./holding.ts";

export interface StandingOptions extends Reader {
  readonly traders: readonly Trader[];
}

/**
 * Read with a token of each trader, as the page gets it; what others published for them is not the demo's business. A trader
 * whom the server does not sign in has no account: what cannot be read again is not begun.
 * Rejects where an account cannot be read: one that was opened anew beside it would contradict it.
 */
export async function readAccounts({ traders, ...reader }: StandingOptions): Promise<readonly Account[]> {
  const accounts = await Promise.all(traders.map((trader) => readAccount(reader, trader)));
  return accounts.filter((account) => account !== undefined);
}

async function readAccount(reader: Reader, { userId, tenant }: Trader): Promise<Account | undefined> {
  const token = await signIn(reader, userId);
  if (token === undefined) return undefined;
  const read = async (kind: string) => readTopic(reader, token, kind, userId);
  const [orders, positions, balances] = (await Promise.all([read("orders"), read("positions"), read("balances")])) as [
    { readonly orders: readonly Order[] } | null,
    { readonly positions: readonly Position[] } | null,
    { readonly balances: readonly Balance[] } | null,
  ];
  const balance = balances?.balances.find(({ currency }) => currency === CURRENCY);
  const held = positions?.positions.filter(({ id }) => id.startsWith(POSITION_PREFIX)) ?? [];
  const open = orders?.orders.filter((order) => order.id.startsWith(ORDER_PREFIX) && isOrderOpen("", order)) ?? [];
  return {
    ...emptyAccount(userId, tenant),
    ...(balance && { cash: toBig(balance.total) }),
    holdings: new Map(held.map((position) => [position.symbol, holdingOf(position)])),
    orders: new Map(open.map((order) => [order.id, order])),
  };
}
