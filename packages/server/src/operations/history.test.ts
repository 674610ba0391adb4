import { describe, expect, it } from "vitest";
import { Rig, identityOf } from "../../testing/rig.ts";
import { newMeter } from "../engine/meter.ts";
import { History, SAMPLE_MS } from "./history.ts";
import { histogramOf } from "./latency.ts";

async function setUp() {
  const history = new History({ eventLoop: () => 0.25, rssBytes: () => 1000 });
  const rig = await Rig.start({
    meter: newMeter((seconds) => {
      history.latency.observe(seconds * 1000);
    }),
  });
  history.observe(rig.engine);
  const samples = (after?: number) => history.kept(after).map(({ sample }) => sample);
  const histogram = (after: number) => histogramOf(history.latencyAfter(after).latency);
  return { history, rig, samples, histogram };
}

describe("the history", () => {
  it("says what happened in each sample, and how things stood at its end", async () => {
    const { rig, samples } = await setUp();
    const { session } = rig.open(identityOf("ann", ["feed:a"]));
    await rig.follow(session, { topics: ["feed:a"] });
    await rig.publish([["feed", "a", 1]]);
    await rig.publish([["feed", "a", 2]]);
    rig.clock.advance(SAMPLE_MS + 100);
    await rig.publish([["feed", "b", 1]]);
    rig.clock.advance(SAMPLE_MS);
    expect(samples()).toMatchObject([
      { published: 2, delivered: 2, connections: 1, users: 1, lagEvents: 0, eventLoop: 0.25, rssBytes: 1000 },
      { published: 1, delivered: 0, connections: 1 },
    ]);
    expect(samples()[0]?.bytes).toBeGreaterThan(100);
    expect(samples()[1]).toMatchObject({ p50Ms: null, p99Ms: null, maxMs: null });
  });

  it("gives what came after the last one that the client has", async () => {
    const { rig, samples } = await setUp();
    rig.clock.advance(SAMPLE_MS * 3 + 100);
    const [, second] = samples();
    expect(samples()).toHaveLength(3);
    expect(samples(Date.parse(second?.at ?? ""))).toHaveLength(1);
  });

  it("keeps an hour and no more", async () => {
    const { rig, samples } = await setUp();
    for (let minute = 0; minute < 65; minute++) rig.clock.advance(60_000);
    const hour = samples();
    expect(hour).toHaveLength(720);
    const [first, last] = [hour[0]?.at ?? "", hour.at(-1)?.at ?? ""];
    expect(Date.parse(last) - Date.parse(first)).toBeGreaterThan(3_500_000);
  });

  it("adds up the latencies of a window", async () => {
    const { history, rig, histogram } = await setUp();
    for (let index = 0; index < 99; index++) history.latency.observe(1);
    rig.clock.advance(SAMPLE_MS + 100);
    history.latency.observe(400);
    rig.clock.advance(SAMPLE_MS);
    const all = histogram(0);
    expect(all).toMatchObject({ count: 100, maxMs: 400 });
    expect(all.p50Ms).toBeCloseTo(1, 0);
    expect(all.buckets.reduce((sum, { count }) => sum + count, 0)).toBe(100);
    expect(all.buckets.at(-1)).toMatchObject({ count: 1 });
    expect(histogram(rig.clock.now() - SAMPLE_MS)).toMatchObject({ count: 1, maxMs: 400 });
  });
});
