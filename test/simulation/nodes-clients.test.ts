/**
 * Named clients at several nodes, with everything that goes wrong there: nodes that sleep and die, a registry, a log and a cluster that are slow,
 * away, or lose answers, another life of the log. Repeats from its seed; what ends badly is told with as few steps as end so.
 */
import { describe, expect, it } from "vitest";
import { faultsOf, shorten, stepsOf } from "./nodes/steps.ts";

const STEPS = 150;
const SEEDS = Array.from({ length: 40 }, (_, index) => Number(process.env["BROADTAPE_TEST_SEED"] ?? 1) * 1000 + index);

describe("clients that name themselves, at nodes where everything goes wrong,", () => {
  it.each(SEEDS)("are told every event of theirs in order, and nothing again that they acknowledged (seed %i)", async (seed) => {
    const steps = stepsOf(seed, STEPS);
    const faults = await faultsOf(seed, steps);
    if (faults.length === 0) return;
    const fewer = await shorten(seed, steps);
    const history = fewer.map((step) => JSON.stringify(step)).join("\n");
    expect.fail(`seed ${seed}: ${(await faultsOf(seed, fewer)).slice(0, 3).join("\n")}\nafter\n${history}`);
  });
});
