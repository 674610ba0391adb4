/**
 * `node --conditions=@broadtape/source scripts/desk-memory.ts [--minutes 10] [--write]`: what the desk holds while it is open
 * beside a living demo, looked at once a minute after a collection. Fails where the second half grows. `--write` replaces its part of `bench/results/desk.md`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { launchChromium } from "../test/browser/chromium.ts";
import { startTestServer } from "../test/contract/server.ts";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" }, write: { type: "boolean", default: false } } });
const minutes = Number(values.minutes);
if (!(minutes >= 4)) throw new Error("--minutes: at least 4");

/** Bounded lists fill up for some minutes: what counts is the second half, in which nothing may grow by more than this. */
const MAX_GROWTH = 0.15;
const SPEED = 5;
const TITLE = "## The desk's memory";

interface Sample {
  readonly heapBytes: number;
  readonly nodes: number;
  readonly listeners: number;
}

const server = await startTestServer({ env: { BROADTAPE_DEMO: "on", DEMO_SPEED: String(SPEED) } });
const browser = await launchChromium();
const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
await page.goto(server.url);
await page.getByRole("status", { name: "Connection" }).filter({ hasText: /^live/ }).waitFor();
const session = await page.context().newCDPSession(page);
await session.send("Performance.enable");

const samples: Sample[] = [];
for (let minute = 1; minute <= minutes; minute++) {
  await new Promise((resolve) => setTimeout(resolve, 60_000));
  samples.push(await sample());
  console.error(`minute ${minute}: ${line(samples.at(-1))}`);
}
await browser.close();
await server.remove();

const half = samples.slice(Math.floor(samples.length / 2) - 1);
const growth = (of: (each: Sample) => number) => {
  const [first = half[0], last = half.at(-1)] = [half[0], half.at(-1)];
  return first === undefined || last === undefined ? NaN : of(last) / of(first) - 1;
};
const grown = {
  heap: growth(({ heapBytes }) => heapBytes),
  nodes: growth(({ nodes }) => nodes),
  listeners: growth(({ listeners }) => listeners),
};
const text = `${TITLE}

\`node --conditions=@broadtape/source scripts/desk-memory.ts --minutes ${minutes} --write\`, ${new Date().toISOString().slice(0, 10)}: the whole desk beside the demo at ${SPEED} times its speed, a
collection before each look; the last minutes may hold at most ${MAX_GROWTH * 100} % more than the middle: heap ${percent(grown.heap)}, nodes ${percent(grown.nodes)}, listeners ${percent(grown.listeners)}.

| minute | heap MB | nodes | listeners |
| --- | --- | --- | --- |
${samples.map((each, index) => `| ${index + 1} | ${line(each)} |`).join("\n")}
`;
console.log(text);
if (values.write) {
  const file = new URL("../bench/results/desk.md", import.meta.url);
  const before = readFileSync(file, "utf8");
  const at = before.indexOf(TITLE);
  writeFileSync(file, `${(at < 0 ? before : before.slice(0, at)).trimEnd()}\n\n${text}`);
}
process.exitCode = Object.values(grown).every((each) => each <= MAX_GROWTH) ? 0 : 1;

async function sample(): Promise<Sample> {
  await session.send("HeapProfiler.collectGarbage");
  const { metrics } = await session.send("Performance.getMetrics");
  const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? NaN;
  return { heapBytes: of("JSHeapUsedSize"), nodes: of("Nodes"), listeners: of("JSEventListeners") };
}

function line(sample: Sample | undefined): string {
  if (sample === undefined) return "";
  return `${(sample.heapBytes / 1e6).toFixed(1)} | ${sample.nodes.toLocaleString("en")} | ${sample.listeners.toLocaleString("en")}`;
}

function percent(share: number): string {
  return `${share >= 0 ? "+" : "−"}${Math.abs(share * 100).toFixed(1)} %`;
}
