/**
 * `node --conditions=@broadtape/source scripts/desk-frame-rate.ts [--write]`: frames a second of the desk in Chromium while
 * 2,000 price updates a second are on the screen. `--write` replaces the committed figure in `bench/results/desk.md`.
 */
import { writeFileSync } from "node:fs";
import { availableParallelism, loadavg, release } from "node:os";
import { launchChromium } from "../test/browser/chromium.ts";
import { publisherToken, startTestServer, token } from "../test/contract/server.ts";

const SYMBOLS = Array.from({ length: 36 }, (_, index) => `FX${String(index).padStart(2, "0")}`);
const UPDATES_PER_SECOND = 2000;
const TICK_MS = 20;
const WARM_UP_MS = 8000;
const MEASURED_MS = 20_000;
const GOAL = 50;

const server = await startTestServer();
const browser = await launchChromium();
const page = await browser.newPage({ viewport: { width: 1600, height: 1000 }, colorScheme: "dark" });
await page.goto(`${server.url}/?symbols=${SYMBOLS.join(",")}`);
await page.getByLabel("Token").fill(await token());
await page.getByRole("button", { name: "Sign in" }).click();
await page.getByRole("status", { name: "Connection" }).filter({ hasText: /^live/ }).waitFor();
// Every row is on the screen: what lies below the watchlist is put behind the wallet.
for (const name of ["Positions", "Orders", "Trades"]) {
  await page.getByRole("tab", { name }).dragTo(page.getByRole("region", { name: /^(Wallet|Positions|Orders)$/ }).last());
}
await page.locator(`[data-symbol="${SYMBOLS.at(-1) ?? ""}"]`).scrollIntoViewIfNeeded();

const bearer = await publisherToken();
const publishing = publishSteadily();
await wait(WARM_UP_MS);
const before = loadavg()[0] ?? 0;
const work = await workOfMainThread();
const measured = await page.evaluate(measureFrames, MEASURED_MS);
const share = (await work()) / (MEASURED_MS / 1000);
await publishing.stop();
await browser.close();
await server.remove();

const median = percentile(measured.perSecond, 0.5);
const worst = Math.min(...measured.perSecond);
const text = `# The desk's frame rate

\`node --conditions=@broadtape/source scripts/desk-frame-rate.ts --write\`, ${new Date().toISOString().slice(0, 10)}: Debian's Chromium without a graphics card (everything is drawn by the
processor), 1,600 × 1,000, Node ${process.version}, Linux ${release()}, ${availableParallelism()} cores that server, publisher and browser share; load average when it began: ${before.toFixed(1)}.

${SYMBOLS.length} symbols in the watchlist, all on the screen, the other panels beside it, ${UPDATES_PER_SECOND.toLocaleString("en")} quotes a second published (measured: ${Math.round(publishing.rate()).toLocaleString("en")}), ${MEASURED_MS / 1000} s by \`requestAnimationFrame\`.

| | goal | measured |
| --- | --- | --- |
| frames a second, mean | ≥ ${GOAL} | ${measured.mean.toFixed(1)} |
| median of seconds | | ${median} |
| slowest second | | ${worst} |
| share of a core that the page's main thread had | | ${Math.round(share * 100)} % |
| longest frame | | ${Math.round(measured.longestMs)} ms |
| updates a second that the page took | ${UPDATES_PER_SECOND.toLocaleString("en")} | ${Math.round(measured.updates).toLocaleString("en")} |
`;
console.log(text);
if (process.argv.includes("--write")) writeFileSync(new URL("../bench/results/desk.md", import.meta.url), text);
process.exitCode = measured.mean >= GOAL ? 0 : 1;

/** Seconds of processor time since this was called: what else runs on the machine is not in it. */
async function workOfMainThread(): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const read = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0;
  };
  const start = await read();
  return async () => (await read()) - start;
}

/** In the page: frames counted by the second, and updates by the page's own counter. */
async function measureFrames(forMs: number) {
  const rates: number[] = [];
  const perSecond: number[] = [];
  let longestMs = 0;
  let frames = 0;
  const start = performance.now();
  let last = start;
  let second = start;
  let inSecond = 0;
  await new Promise<void>((resolve) => {
    const onFrame = (now: number) => {
      frames += 1;
      inSecond += 1;
      longestMs = Math.max(longestMs, now - last);
      last = now;
      if (now - second >= 1000) {
        perSecond.push(Math.round((inSecond * 1000) / (now - second)));
        rates.push(Number(/\d+/.exec(document.querySelector('[data-field="rate"]')?.textContent ?? "")?.[0] ?? 0));
        second = now;
        inSecond = 0;
      }
      if (now - start >= forMs) resolve();
      else requestAnimationFrame(onFrame);
    };
    requestAnimationFrame(onFrame);
  });
  const updates = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  return { mean: (frames * 1000) / (last - start), perSecond, longestMs, updates };
}

/** So many quotes a second, spread over all symbols, in batches; a publisher that was late catches up. */
function publishSteadily() {
  const start = performance.now();
  let sent = 0;
  let isStopped = false;
  const run = async () => {
    while (!isStopped) {
      const due = Math.floor(((performance.now() - start) / 1000) * UPDATES_PER_SECOND) - sent;
      if (due > 0) {
        await publishQuotes(Math.min(due, 200), sent);
        sent += Math.min(due, 200);
      } else await wait(TICK_MS);
    }
  };
  const done = run();
  return {
    rate: () => sent / ((performance.now() - start) / 1000),
    stop: async () => {
      isStopped = true;
      await done;
    },
  };
}

async function publishQuotes(count: number, from: number): Promise<void> {
  const timestamp = Date.now();
  const events = Array.from({ length: count }, (_, index) => {
    const number = from + index;
    const bid = (1 + (number % 977) / 100_000).toFixed(5);
    return {
      type: "market-data.quote",
      data: { symbol: SYMBOLS[number % SYMBOLS.length], source: "LOAD", bid: Number(bid), ask: Number(bid) + 0.0002, timestamp },
    };
  });
  const answer = await fetch(`${server.url}/api/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
    body: JSON.stringify(events),
  });
  if (!answer.ok) throw new Error(`quotes were refused: ${answer.status} ${await answer.text()}`);
}

function percentile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? 0;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
