/** Recorded quotes, read as a stream in order of time; see `data/recorded/README.md`. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";

/** A quote as recorded: prices are the origin's digits. */
export interface RecordedQuote {
  /** Milliseconds since the epoch, on the day of the recording; for pacing only. */
  readonly at: number;
  readonly source: string;
  readonly symbol: string;
  readonly bid: string;
  readonly ask: string;
}

const DECIMAL = /^\d+(\.\d+)?$/;

/** One line `ts_ms,source,symbol,bid,ask`; undefined for a line that is none. */
export function parseQuote(line: string): RecordedQuote | undefined {
  const [at, source, symbol, bid, ask] = line.split(",");
  if (at === undefined || source === undefined || symbol === undefined || bid === undefined || ask === undefined) return undefined;
  if (!DECIMAL.test(at) || !DECIMAL.test(bid) || !DECIMAL.test(ask)) return undefined;
  return { at: Number(at), source, symbol, bid, ask };
}

async function* readQuotes(file: URL): AsyncGenerator<RecordedQuote> {
  const compressed = createReadStream(file);
  const lines = createInterface({ input: compressed.pipe(createGunzip()), crlfDelay: Infinity });
  try {
    for await (const line of lines) {
      const quote = parseQuote(line);
      if (quote !== undefined) yield quote;
    }
  } finally {
    // Whoever reads a stretch of it leaves before the end.
    compressed.destroy();
  }
}

/** Several recordings merged by time; among equals the earlier file first. */
export async function* merge(recordings: readonly AsyncIterable<RecordedQuote>[]): AsyncGenerator<RecordedQuote> {
  const heads: { iterator: AsyncIterator<RecordedQuote>; quote: RecordedQuote }[] = [];
  for (const recording of recordings) {
    const iterator = recording[Symbol.asyncIterator]();
    const first = await iterator.next();
    if (first.done !== true) heads.push({ iterator, quote: first.value });
  }
  try {
    while (heads.length > 0) {
      const first = heads.reduce((best, each) => (each.quote.at < best.quote.at ? each : best));
      yield first.quote;
      const next = await first.iterator.next();
      if (next.done === true) heads.splice(heads.indexOf(first), 1);
      else first.quote = next.value;
    }
  } finally {
    for (const { iterator } of heads) await iterator.return?.();
  }
}

/** All recorded quotes of a stretch of time, in order. */
export async function* quotesBetween(files: readonly URL[], from: number, until: number): AsyncGenerator<RecordedQuote> {
  for await (const quote of merge(files.map(readQuotes))) {
    if (quote.at >= until) return;
    if (quote.at >= from) yield quote;
  }
}
