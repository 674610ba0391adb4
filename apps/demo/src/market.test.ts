import { describe, expect, it } from "vitest";
import { playMarket, quoteLine } from "./market.ts";
import { Publisher } from "./publisher.ts";

interface Line {
  readonly type: string;
  readonly id: string;
  readonly source: string;
  readonly data: { readonly symbol: string; readonly timestamp: number };
}

describe("a quote's line", () => {
  it("is an event around the recorded digits", () => {
    const quote = { at: 1, source: "FXCM", symbol: "EURUSD", bid: "1.39350", ask: "1.3936" };
    const line = quoteLine({ quote, timestamp: 1_700_000_000_000 }, "run/1");
    expect(line).toContain('"bid":1.39350,"ask":1.3936,');
    expect(JSON.parse(line)).toMatchObject({ type: "market-data.quote", id: "run/1", source: "demo/fxcm" });
  });
});

describe("the market of the demo", () => {
  it("plays its hour over and over at the speed that was asked for, at the present time, no id twice", async () => {
    const clock = { ms: 1_700_000_000_000 };
    const start = clock.ms;
    const lines: Line[] = [];
    const said: string[] = [];
    // Half an hour of the first loop and a bit of the second.
    const isStopped = () => clock.ms - start > 40_000;
    const wait = async (ms: number) => {
      clock.ms += ms;
    };
    const publisher = new Publisher({
      url: "http://server",
      token: "t",
      fetch: async (_url, init) => {
        const body = typeof init?.body === "string" ? init.body : "";
        for (const line of body.split("\n")) lines.push(JSON.parse(line) as Line);
        return new Response("{}");
      },
      wait,
      random: () => 0,
      isStopped,
      onTrouble: (message) => said.push(message),
    });
    const speed = 60;
    await playMarket({ speed, clock: { now: () => clock.ms, wait }, publisher, isStopped, say: (message) => said.push(message) });
    expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);
    const times = lines.map(({ data }) => data.timestamp);
    expect(times[0]).toBe(start);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    // 31 minutes of the recording take 31 s; the second loop begins right after them, with no pause of a recorded hour.
    const gaps = times.slice(1).map((each, index) => each - (times[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(1000);
    expect(times.at(-1)).toBeGreaterThan(start + 39_000);
    expect(said).toEqual([]);
  });
});
