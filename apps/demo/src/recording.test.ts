import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type RecordedQuote, merge, parseQuote, quotesBetween } from "./recording.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const quote = (at: number, source = "A"): RecordedQuote => ({ at, source, symbol: "EURUSD", bid: "1.10", ask: "1.20" });

/** A recording that tells whether it was closed. */
function recordingOf(quotes: readonly RecordedQuote[]) {
  const state = { isClosed: false };
  async function* read() {
    try {
      yield* quotes;
    } finally {
      state.isClosed = true;
    }
  }
  return { state, quotes: read() };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("a recorded line", () => {
  it("keeps the origin's digits", () => {
    expect(parseQuote("1399548600017,FXCM,EURUSD,1.39350,1.3936")).toEqual({
      at: 1399548600017,
      source: "FXCM",
      symbol: "EURUSD",
      bid: "1.39350",
      ask: "1.3936",
    });
  });

  it.each([
    "ts_ms,source,symbol,bid,ask",
    "",
    "1,A,EURUSD,1.1",
    "1,A,EURUSD,,1.2",
    "1,A,EURUSD,1.1,x",
    "x,A,EURUSD,1.1,1.2",
    "1,A,E,1e5,1.2",
  ])("%j is none", (line) => {
    expect(parseQuote(line)).toBeUndefined();
  });
});

describe("merged recordings", () => {
  it("are in order of time, among equals the earlier file's first, with nothing lost", async () => {
    const times = fc.array(fc.nat(20), { maxLength: 20 }).map((each) => each.sort((a, b) => a - b));
    await fc.assert(
      fc.asyncProperty(fc.array(times, { maxLength: 4 }), async (files) => {
        const recordings = files.map((file, index) => recordingOf(file.map((at) => quote(at, String(index)))).quotes);
        const merged = (await all(merge(recordings))).map(({ at, source }) => ({ at, source }));
        const expected = files.flatMap((file, index) => file.map((at) => ({ at, source: String(index) })));
        expect(merged).toEqual(expected.sort((a, b) => a.at - b.at || a.source.localeCompare(b.source)));
      }),
      { seed, numRuns: 200 },
    );
  });

  it("are closed when their reader leaves early", async () => {
    const recordings = [recordingOf([quote(1), quote(3)]), recordingOf([quote(2), quote(4)]), recordingOf([])];
    for await (const { at } of merge(recordings.map(({ quotes }) => quotes))) if (at === 2) break;
    expect(recordings.map(({ state }) => state.isClosed)).toEqual([true, true, true]);
  });
});

describe("the recorded data", () => {
  const folder = new URL("../../../data/recorded/", import.meta.url);
  const files = ["fx-ticks-20140508.csv.gz", "xauusd-ticks-20140508.csv.gz"].map((name) => new URL(name, folder));

  it("gives a stretch of time, its beginning included and its end not, in order", async () => {
    const from = Date.UTC(2014, 4, 8, 12, 44);
    const quotes = await all(quotesBetween(files, from, from + 60_000));
    expect(quotes.length).toBeGreaterThan(100);
    const times = quotes.map(({ at }) => at);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(from);
    expect(times.at(-1)).toBeLessThan(from + 60_000);
    expect(new Set(quotes.map(({ symbol }) => symbol)).size).toBeGreaterThan(2);
  });
});
