/**
 * `npm run chaos -- [--seed 1] [--runs 1] [--seconds 60] [--at-once 2] [--faults kill,sleep] [--keep folder]`: a cluster of real processes
 * under load and under faults that a seed draws, several at once. What should not be is told; the process then ends with 1.
 */
import { parseArgs } from "node:util";
import { FAULTS } from "./chaos/faults.ts";
import { runOf } from "./chaos/run.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    runs: { type: "string", default: "1" },
    seconds: { type: "string", default: "60" },
    "at-once": { type: "string", default: "2" },
    faults: { type: "string", default: FAULTS.join() },
    keep: { type: "string" },
  },
});

const first = Number(values.seed);
for (let seed = first; seed < first + Number(values.runs); seed++) {
  console.log(`seed ${seed}`);
  const violations = await runOf({
    seed,
    seconds: Number(values.seconds),
    atOnce: Number(values["at-once"]),
    kinds: values.faults.split(","),
    folder: values.keep,
    say: (what) => {
      console.log(`  ${what}`);
    },
  });
  if (violations.length > 0) process.exitCode = 1;
  console.log(
    `seed ${seed}: ${violations.length === 0 ? "nothing wrong" : `${violations.length} violations\n  ${violations.join("\n  ")}`}`,
  );
}
// Sockets of clients that were cut off may linger.
process.exit();
