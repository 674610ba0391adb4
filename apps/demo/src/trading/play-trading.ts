/** The scene of trading: the books of the demo's users, which the desk's deals go into, and what they trade by themselves. */
import { randomBytes } from "node:crypto";
import type { Clock } from "../desk/clock.ts";
import type { MarketPrices } from "../desk/market-prices.ts";
import type { Random } from "../desk/random.ts";
import type { Publisher } from "../publisher.ts";
import type { Account } from "./account.ts";
import { Books } from "./books.ts";
import { House } from "./house.ts";

export interface TradingSceneOptions {
  readonly speed: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly prices: MarketPrices;
  readonly publisher: Pick<Publisher, "publish">;
  /** As they stand before the scene begins. */
  readonly accounts: readonly Account[];
  readonly onFault: (error: unknown) => void;
}

export interface TradingScene {
  readonly books: Books;
  readonly house: House;
  close(): Promise<void>;
}

/** Resolves when the orders that an earlier start left open are ended; goes on until closed. */
export async function playTrading(options: TradingSceneOptions): Promise<TradingScene> {
  const { speed, clock, random, prices, publisher, accounts, onFault } = options;
  const run = `${clock.now().toString(36)}${randomBytes(2).toString("hex")}`;
  const books = new Books({ accounts, clock, random, prices, publish: (lines) => publisher.publish(lines), onFault });
  await books.endOpenOrders("the demo was started again");
  const house = new House({ books, traders: accounts, clock, random, prices, run, speed });
  return {
    books,
    house,
    async close() {
      house.close();
      await books.idle();
      await books.endOpenOrders("the demo was closed");
    },
  };
}
