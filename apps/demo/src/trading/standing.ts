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
  const accounts: Account[] = [];
  for (const { userId, tenant } of traders) {
    const token = await signIn(reader, userId);
    if (token === undefined) continue;
    const read = async (kind: string) => readTopic(reader, token, kind, userId);
    const orders = (await read("orders")) as { orders: readonly Order[] } | null;
    const positions = (await read("positions")) as { positions: readonly Position[] } | null;
    const balances = (await read("balances")) as { balances: readonly Balance[] } | null;
    const balance = balances?.balances.find(({ currency }) => currency === CURRENCY);
    const account = emptyAccount(userId, tenant);
    accounts.push({
      ...account,
      cash: balance === undefined ? account.cash : toBig(balance.total),
      holdings: new Map(
        (positions?.positions ?? []).filter(({ id }) => id.startsWith(POSITION_PREFIX)).map((each) => [each.symbol, holdingOf(each)]),
      ),
      orders: new Map(
        (orders?.orders ?? []).filter((each) => each.id.startsWith(ORDER_PREFIX) && isOrderOpen("", each)).map((each) => [each.id, each]),
      ),
    });
  }
  return accounts;
}
