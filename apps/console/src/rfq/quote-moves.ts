/** Which way each liquidity provider moved: its newest quote against the one before. */
import { type TopicHandlers, isEvent } from "@broadtape/client";
import type { FollowedRfq } from "@broadtape/client/rfq";

export type Move = "up" | "down" | "same";
export type PriceSide = "bid" | "ask";

interface Moved {
  price: number | undefined;
  move: Move;
}

export class QuoteMoves {
  /** By provider and side; as many as an RFQ has quotes. */
  readonly #moved = new Map<string, Moved>();

  /** How the provider's price moved with its newest quote; `same` where there is only one. */
  of(lpId: string, side: PriceSide): Move {
    return this.#moved.get(keyOf(lpId, side))?.move ?? "same";
  }

  /** For `follow("rfq:…")`: every quote counts, also those that no frame shows. */
  readonly handlers: TopicHandlers = {
    onSnapshot: (state) => {
      for (const { lpId, bidPrice, askPrice } of (state as FollowedRfq | null)?.quotes ?? []) this.#take(lpId, bidPrice, askPrice);
    },
    onEvent: (event) => {
      if (isEvent(event, "quote.received")) this.#take(event.data.lpId, event.data.bidPrice, event.data.askPrice);
    },
  };

  #take(lpId: string, bid: Priced, ask: Priced): void {
    this.#move(keyOf(lpId, "bid"), bid);
    this.#move(keyOf(lpId, "ask"), ask);
  }

  #move(key: string, value: Priced): void {
    const before = this.#moved.get(key)?.price;
    // A direction on the screen, not money: the nearest float will do.
    const price = value == null ? undefined : Number(value);
    const isMoved = before !== undefined && price !== undefined && before !== price;
    this.#moved.set(key, { price, move: !isMoved ? "same" : price > before ? "up" : "down" });
  }
}

type Priced = FollowedRfq["quotes"][number]["bidPrice"] | null;

const keyOf = (lpId: string, side: PriceSide) => `${side} ${lpId}`;
