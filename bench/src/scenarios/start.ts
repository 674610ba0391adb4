/** How long a server takes to be ready on a log of a million events after a kill -9, with and without a checkpoint of its views. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRig } from "../rig.ts";
import { median, possible } from "../statistics.ts";
import { BROADTAPE_WS } from "../subjects.ts";
import { type Table, figure } from "../table.ts";

const EVENTS = 1_000_000;
/** Longer than the interval of checkpoints. */
const CHECKPOINT_MS = 11_000;

export async function starts(rounds: number, say: (line: string) => void): Promise<Table> {
  const directory = mkdtempSync(join(tmpdir(), "broadtape-start-"));
  const million = { ...BROADTAPE_WS, env: { BENCH_DIRECTORY: join(directory, "million"), BROADTAPE_LIMIT_CHECKPOINT_MS: "1000000" } };
  const rows: [string, string][] = [];
  const measure = async (what: string, envOf: (round: number) => Readonly<Record<string, string>>) => {
    const seconds: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const started = performance.now();
      const rig = await startRig({ ...million, env: envOf(round) });
      seconds.push(possible("seconds", (performance.now() - started) / 1000, 0));
      await rig.stop();
      say(`start, round ${round}: ${what} ${figure(seconds.at(-1) ?? NaN)} s`);
    }
    rows.push([what, figure(median(seconds))]);
  };
  try {
    await measure("empty", (round) => ({ BENCH_DIRECTORY: join(directory, String(round)) }));
    const first = await startRig(million);
    await first.fill(EVENTS, 1000);
    await first.stop();
    await measure("1 million events, all of them to be folded", () => million.env);
    const second = await startRig({ ...million, env: { BENCH_DIRECTORY: million.env.BENCH_DIRECTORY } });
    await new Promise((resolve) => setTimeout(resolve, CHECKPOINT_MS));
    await second.stop();
    await measure("1 million events, checkpoint", () => million.env);
  } finally {
    rmSync(directory, { recursive: true });
  }
  return {
    title: "Start on a log of 1 million events",
    note: `From the start of the process, Node's own start and the loading of modules included; the server before was killed. Checkpoints are written every 10 s, so that what is folded is what came since; median of ${rounds} rounds.`,
    head: ["log", "seconds"],
    rows,
  };
}
