/** The page in a real Chromium, on the server as `npm start` runs it, with the recorded quotes. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type TestServer, startTestServer, token } from "../contract/server.ts";
import { seriousFindingsInBothThemes } from "./accessibility.ts";
import { connectChromium, newContext } from "./browser.ts";

const DEMO = { BROADTAPE_DEMO: "on", DEMO_SPEED: "5" };

let browser: Browser;
let server: TestServer;
let context: BrowserContext;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  browser = await connectChromium();
  server = await startTestServer({ env: DEMO });
});
afterAll(async () => {
  await browser.close();
  await server.remove();
});
beforeEach(async () => {
  context = await newContext(browser, { viewport: { width: 1100, height: 500 } });
  page = await context.newPage();
  page.on("pageerror", (error) => faults.push(String(error)));
});
afterEach(async () => {
  await context.close();
  expect(faults.splice(0)).toEqual([]);
});

const status = () => page.getByRole("status", { name: "Connection" });
const field = (symbol: string, name: string) => page.locator(`[data-symbol="${symbol}"] [data-field="${name}"]`);

/** Waits until a field says something else than it does now. */
async function moves(symbol: string, name: string): Promise<void> {
  const before = await field(symbol, name).innerText();
  await expect.poll(() => field(symbol, name).innerText()).not.toBe(before);
}

it("signs in by itself and shows live prices of three symbols with spread, source and rate", async () => {
  await page.goto(server.url);
  await status().filter({ hasText: /^live/ }).waitFor();
  const grid = page.getByRole("region", { name: "Watchlist" });
  for (const symbol of ["EURUSD", "NZDUSD", "XAUUSD"]) {
    await grid.getByRole("rowheader", { name: symbol }).waitFor();
    await expect.poll(() => field(symbol, "bid").innerText()).toMatch(/^\d+\.\d+/);
    await expect.poll(() => field(symbol, "ask").innerText()).toMatch(/^\d+\.\d+/);
    await expect.poll(() => field(symbol, "spread").innerText()).toMatch(/^-?\d+\.\d\d/);
    await expect.poll(() => field(symbol, "source").innerText()).toMatch(/FXCM|OANDA/);
  }
  await moves("EURUSD", "bid");
  await moves("XAUUSD", "ask");
  await expect.poll(async () => Number(/\d+/.exec(await page.locator('[data-field="rate"]').innerText())?.[0])).toBeGreaterThan(0);
});

it("says that it is stale when the server is gone, and heals when it is back", async () => {
  await page.goto(server.url);
  await status().filter({ hasText: /^live/ }).waitFor();
  await moves("EURUSD", "bid");
  await server.kill("SIGKILL");
  await status()
    .filter({ hasText: /^stale/ })
    .waitFor();
  await page.locator('[data-symbol="EURUSD"][data-stale="true"]').waitFor();
  server = await server.restart();
  await status().filter({ hasText: /^live/ }).waitFor();
  await moves("EURUSD", "bid");
});

it("has no serious accessibility findings, in the dark and in the light", async () => {
  await page.goto(server.url);
  await status().filter({ hasText: /^live/ }).waitFor();
  await expect.poll(() => field("XAUUSD", "bid").innerText()).toMatch(/^\d/);
  expect(await seriousFindingsInBothThemes(page, { include: ['[data-panel="Watchlist"]'] })).toEqual([]);
});

it("is read by the browser's own EventSource", async () => {
  await page.goto(server.url);
  const url = `/market-data/stream?symbols=EURUSD&token=${await token()}`;
  const event = await page.evaluate(
    (path) =>
      new Promise<{ data: string; id: string }>((resolve) => {
        const source = new EventSource(path);
        source.addEventListener("price", ({ data, lastEventId }: MessageEvent<string>) => {
          source.close();
          resolve({ data, id: lastEventId });
        });
      }),
    url,
  );
  expect(JSON.parse(event.data)).toMatchObject({ symbol: "EURUSD", eventId: event.id });
});

it("asks for a token where there is no demo", async () => {
  const plain = await startTestServer();
  try {
    await page.goto(plain.url);
    await page.getByLabel("Token").fill(await token());
    await page.getByRole("button", { name: "Sign in" }).click();
    await status().filter({ hasText: /^live/ }).waitFor();
  } finally {
    await plain.remove();
  }
});
