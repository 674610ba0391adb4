/** The recorded market as it stands now: what the replay published last, kept for the desk in the same process. */
import type Big from "big.js";
import { toBig } from "@broadtape/protocol/money";
import type { RecordedQuote } from "../recording.ts";

type Prices = Pick<RecordedQuote, "bid" | "ask">;

export class MarketPrices {
  /** By symbol, then by source: the newest quote. The sources are the recording's few. */
  readonly #quotes = new Map<string, Map<string, Prices>>();

  take({ symbol, source, bid, ask }: Pick<RecordedQuote, "symbol" | "source" | "bid" | "ask">): void {
    const sources = this.#quotes.get(symbol) ?? new Map<string, Prices>();
    this.#quotes.set(symbol, sources.set(source, { bid, ask }));
  }

  /** Half way between highest bid and lowest ask, which may be crossed as they were recorded; undefined before the first quote. */
  mid(symbol: string): Big | undefined {
    const quotes = [...(this.#quotes.get(symbol)?.values() ?? [])];
    if (quotes.length === 0) return undefined;
    const bid = quotes.map((quote) => toBig(quote.bid)).reduce((best, each) => (each.gt(best) ? each : best));
    const ask = quotes.map((quote) => toBig(quote.ask)).reduce((best, each) => (each.lt(best) ? each : best));
    return bid.plus(ask).div(2);
  }
}
