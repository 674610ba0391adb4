/** All tabs of a browser over one connection (contract 60-native "SDK"). */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type TestServer, startTestServer } from "../contract/server.ts";
import { connectChromium, newContext } from "./browser.ts";

let browser: Browser;
let server: TestServer;
let context: BrowserContext;
beforeAll(async () => {
  browser = await connectChromium();
  server = await startTestServer({ env: { BROADTAPE_DEMO: "on", DEMO_SPEED: "5" } });
});
afterAll(async () => {
  await browser.close();
  await server.remove();
});
beforeEach(async () => {
  context = await newContext(browser, { viewport: { width: 1100, height: 500 } });
});
afterEach(() => context.close());

const bid = (page: Page) => page.locator('[data-symbol="EURUSD"] [data-field="bid"]');
const untilStatus = (page: Page, words: RegExp) => page.getByRole("status", { name: "Connection" }).filter({ hasText: words }).waitFor();

async function openTab(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(server.url);
  await untilStatus(page, /^live/);
  return page;
}

async function moves(page: Page): Promise<void> {
  const before = await bid(page).innerText();
  await expect.poll(() => bid(page).innerText()).not.toBe(before);
}

/** Connections of the tape; each tab's wallet has feeds of its own, since what one person handled another has not. */
async function connections(): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const values = [...text.matchAll(/^broadtape_connections\{surface="native"\} (\d+)$/gm)].map(([, value]) => Number(value));
  return values.reduce((sum, value) => sum + value, 0);
}

it("is one connection for several tabs, which stays while one of them does", async () => {
  const [first, second] = [await openTab(), await openTab()];
  await moves(first);
  await moves(second);
  expect(await connections()).toBe(1);
  await first.close();
  await moves(second);
  expect(await connections()).toBe(1);
  await second.close();
  await expect.poll(connections).toBe(0);
});

it("heals in every tab", async () => {
  const tabs = [await openTab(), await openTab()];
  await server.kill("SIGKILL");
  for (const tab of tabs) await untilStatus(tab, /^stale/);
  server = await server.restart();
  for (const tab of tabs) {
    await untilStatus(tab, /^live/);
    await moves(tab);
  }
  expect(await connections()).toBe(1);
});

it.each([
  ["has no SharedWorker", () => context.addInitScript("delete globalThis.SharedWorker")],
  ["cannot fetch the worker's script", () => context.route(/tape-worker/, (route) => route.abort())],
])("is one for each tab where the browser %s", async (_case, prepare) => {
  await prepare();
  const tabs = [await openTab(), await openTab()];
  for (const tab of tabs) await moves(tab);
  expect(await connections()).toBe(2);
});
