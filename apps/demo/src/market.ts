/** The scene of market data: an hour of an ECB press conference, over and over. */
import type { Publisher } from "./publisher.ts";
import { type RecordedQuote, quotesBetween } from "./recording.ts";
import { type DueQuote, type ReplayClock, replay } from "./replay.ts";

export interface MarketOptions {
  readonly speed: number;
  readonly clock: ReplayClock;
  readonly publisher: Publisher;
  readonly isStopped: () => boolean;
  readonly say: (message: string) => void;
  /** Hears each quote as it is published. */
  readonly onQuote?: (quote: RecordedQuote) => void;
}

const FOLDER = new URL("../../../data/recorded/", import.meta.url);
const FILES = ["fx-ticks-20140508.csv.gz", "xauusd-ticks-20140508.csv.gz"].map((name) => new URL(name, FOLDER));
/** The hour that all feeds cover; a newcomer begins where the conference makes prices move. */
const BEGIN = Date.UTC(2014, 4, 8, 12, 15);
const FIRST_BEGIN = Date.UTC(2014, 4, 8, 12, 44);
const END = Date.UTC(2014, 4, 8, 13, 15);

/** Runs until stopped. */
export async function playMarket({ speed, clock, publisher, isStopped, say, onQuote }: MarketOptions): Promise<void> {
  const run = clock.now().toString(36);
  let row = 0;
  for (let loop = 0; !isStopped(); loop++) {
    const quotes = quotesBetween(FILES, loop === 0 ? FIRST_BEGIN : BEGIN, END);
    const publish = (due: readonly DueQuote[]) => {
      for (const { quote } of due) onQuote?.(quote);
      return publisher.publish(due.map((each) => quoteLine(each, `${run}/${(row++).toString(36)}`)));
    };
    const onSkip = (skippedMs: number) => {
      say(`the replay skipped ${Math.round(skippedMs)} ms`);
    };
    await replay(quotes, { speed, clock, publish, isStopped, onSkip });
  }
}

/** The event as JSON text around the recorded digits. */
export function quoteLine({ quote, timestamp }: DueQuote, id: string): string {
  const { source, symbol, bid, ask } = quote;
  return `{"type":"market-data.quote","source":"demo/${source.toLowerCase()}","id":"${id}","data":{"symbol":"${symbol}","source":"${source}","bid":${bid},"ask":${ask},"timestamp":${timestamp}}}`;
}
