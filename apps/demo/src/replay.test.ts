import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RecordedQuote } from "./recording.ts";
import { type DueQuote, replay } from "./replay.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const START = 1_700_000_000_000;

interface Played extends DueQuote {
  /** When it was handed over. */
  readonly handedAt: number;
}

/** Plays quotes recorded at such times on a fake clock. `takesMs`: how long the server takes for each publish. */
async function play(times: readonly number[], { speed = 1, takesMs = [] as readonly number[], stopAfter = Infinity } = {}) {
  const clock = { ms: START };
  const batches: Played[][] = [];
  const skipped: number[] = [];
  async function* recording(): AsyncGenerator<RecordedQuote> {
    for (const at of times) yield { at, source: "A", symbol: "EURUSD", bid: String(at), ask: "2" };
  }
  await replay(recording(), {
    speed,
    clock: {
      now: () => clock.ms,
      wait: async (ms) => {
        clock.ms += ms;
      },
    },
    publish: async (due) => {
      const handedAt = clock.ms;
      clock.ms += takesMs[batches.length] ?? 0;
      batches.push(due.map((each) => ({ ...each, handedAt })));
    },
    isStopped: () => batches.length >= stopAfter,
    onSkip: (ms) => skipped.push(ms),
  });
  return { played: batches.flat(), batches, skipped, endedAt: clock.ms };
}

const recorded = fc.array(fc.oneof(fc.nat(30), fc.nat(5000)), { minLength: 1, maxLength: 60 }).map((gaps) => {
  let at = 1_399_548_600_000;
  return gaps.map((gap) => (at += gap));
});

describe("a replay", () => {
  it("moves the recording to now, with the gaps that it has, divided by the speed", async () => {
    await fc.assert(
      fc.asyncProperty(recorded, fc.constantFrom(0.5, 1, 10), async (times, speed) => {
        const { played } = await play(times, { speed });
        expect(played.map(({ quote }) => quote.at)).toEqual(times);
        expect(played.map(({ timestamp }) => timestamp)).toEqual(times.map((at) => Math.floor(START + (at - (times[0] ?? 0)) / speed)));
      }),
      { seed, numRuns: 200 },
    );
  });

  it("hands nothing over before its time, the last of it included, and nothing more than a step late", async () => {
    await fc.assert(
      fc.asyncProperty(recorded, async (times) => {
        for (const { timestamp, handedAt } of (await play(times)).played) {
          expect(handedAt).toBeGreaterThanOrEqual(timestamp);
          expect(handedAt - timestamp).toBeLessThanOrEqual(25);
        }
      }),
      { seed, numRuns: 200 },
    );
  });

  it("hands over together what is due together", async () => {
    const { batches } = await play([0, 10, 24, 25, 100]);
    expect(batches.map((batch) => batch.map(({ quote }) => quote.at))).toEqual([[0, 10, 24], [25], [100]]);
  });

  it("takes as long as the recording", async () => {
    expect((await play([0, 60_000])).endedAt - START).toBe(60_025);
    expect((await play([0, 60_000], { speed: 100 })).endedAt - START).toBe(625);
  });

  it("catches up after a short stall, without a skip", async () => {
    const { played, skipped } = await play([0, 100, 200, 300], { takesMs: [1500] });
    expect(skipped).toEqual([]);
    expect(played.map(({ timestamp }) => timestamp - START)).toEqual([0, 100, 200, 300]);
  });

  it("goes on from the present after a long one, and tells how much was skipped", async () => {
    const { played, skipped } = await play([0, 100, 200, 300], { takesMs: [60_000] });
    expect(skipped).toEqual([59_925]);
    expect(played.map(({ timestamp }) => timestamp - START)).toEqual([0, 60_025, 60_125, 60_225]);
  });

  it("hands nothing over once it is stopped, and has nothing to do without a recording", async () => {
    expect((await play([0, 100, 200, 300], { stopAfter: 2 })).batches).toHaveLength(2);
    expect(await play([])).toMatchObject({ batches: [], endedAt: START });
  });
});
