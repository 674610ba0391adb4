/** The RFQ ticket and ladder in a real Chromium, dealt by the demo's desk: ten RFQs, as a trader would have them. */
import AxeBuilder from "@axe-core/playwright";
import type { Browser, Page, Response } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TestServer, startTestServer } from "../contract/server.ts";
import { launchChromium } from "./chromium.ts";

let browser: Browser;
let server: TestServer;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  browser = await launchChromium();
  server = await startTestServer({ env: { BROADTAPE_DEMO: "on", DEMO_SPEED: "2" } });
  page = await (await browser.newContext({ viewport: { width: 1200, height: 900 } })).newPage();
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(server.url);
  await page.getByRole("status", { name: "Connection" }).filter({ hasText: /^live/ }).waitFor();
  await page.locator('[data-symbol="XAUUSD"] [data-field="ask"]').filter({ hasText: /\d/ }).waitFor();
});
afterAll(async () => {
  await browser.close();
  await server.remove();
});

const ticket = () => page.getByRole("region", { name: "RFQ" });
const quotes = () => page.getByRole("region", { name: "Quotes" });
const shown = () => quotes().locator("[data-rfq]");
const rows = (status = "valid") => quotes().locator(`tr[data-quote][data-status="${status}"]`);
const status = () => shown().getAttribute("data-status");
const outcome = () => quotes().getByRole("status", { name: "Outcome" });

interface Wish {
  readonly symbol?: string;
  readonly side?: string;
  readonly quantity?: string;
  readonly seconds?: number;
}

/** Asks for quotes and waits for those of the new RFQ; returns its id. */
async function request({ symbol = "EURUSD", side = "Buy", quantity = "1000000", seconds = 60 }: Wish = {}): Promise<string> {
  await ticket().getByLabel("Symbol").selectOption(symbol);
  await ticket().getByLabel("Side").selectOption({ label: side });
  await ticket().getByLabel("Quantity").fill(quantity);
  await ticket().getByLabel("Seconds").fill(String(seconds));
  const { rfqId } = (await (await asked()).json()) as { rfqId: string };
  await quotes().locator(`[data-rfq="${rfqId}"]`).waitFor();
  return rfqId;
}

/** Asks until the desk deals: after a start it waits for its first prices. */
async function asked(): Promise<Response> {
  for (;;) {
    const answered = page.waitForResponse((response) => response.url().endsWith("/api/demo/rfqs"));
    await ticket().getByRole("button", { name: "Request quotes" }).click();
    const response = await answered;
    if (response.status() === 201) return response;
    expect(response.status()).toBe(503);
  }
}

async function untilQuoted(count: number): Promise<void> {
  await expect.poll(() => rows().count(), { timeout: 20_000 }).toBeGreaterThanOrEqual(count);
}

/** Deals at what is best when it is clicked; returns what the page says of it. */
async function acceptBest(): Promise<string> {
  await ticket().getByRole("button", { name: "Accept best" }).click();
  await outcome()
    .filter({ hasText: /^Filled at \d/ })
    .waitFor();
  return outcome().innerText();
}

it.each([
  { symbol: "EURUSD", side: "Buy", quantity: "1000000" },
  { symbol: "EURUSD", side: "Sell", quantity: "2500000.5" },
  { symbol: "NZDUSD", side: "Buy", quantity: "750000" },
  { symbol: "XAUUSD", side: "Sell", quantity: "100" },
  { symbol: "EURUSD", side: "Two-way", quantity: "500000" },
])("fills $side $symbol at the best quote that stands", async (wish) => {
  const rfqId = await request(wish);
  await untilQuoted(2);
  expect(await quotes().locator('[data-field="quantity"]').innerText()).toBe(Number(wish.quantity).toLocaleString("en"));
  expect(await rows().first().locator('[data-field="ranking"]').innerText()).toMatch(/^1/);
  await expect.poll(() => quotes().locator('[data-best="true"]').count()).toBeGreaterThan(0);
  expect(await acceptBest()).toMatch(/^Filled at \d+\.\d+/);
  expect(await page.locator(`button[data-rfq="${rfqId}"]`).getAttribute("data-status")).toBe("filled");
  expect(await ticket().getByRole("button", { name: "Accept best" }).isDisabled()).toBe(true);
});

it("fills at the quote of the provider that is chosen", async () => {
  await request();
  await untilQuoted(1);
  const row = rows().first();
  const id = await row.getAttribute("data-quote");
  await row.getByRole("button", { name: /^Accept / }).click();
  await outcome()
    .filter({ hasText: /^Filled at / })
    .waitFor();
  expect(await quotes().locator(`tr[data-quote="${id}"]`).count()).toBe(1);
});

it("counts down by the second while quotes may come, and ends when time is up", async () => {
  await request({ seconds: 6 });
  const clock = quotes().getByRole("timer", { name: "Time remaining" });
  const seen = new Set<number>();
  await expect
    .poll(
      async () => {
        const text = await clock.innerText({ timeout: 50 }).catch(() => "");
        if (text !== "") seen.add(Number.parseInt(text, 10));
        return status();
      },
      { timeout: 20_000, interval: 100 },
    )
    .toBe("expired");
  const seconds = [...seen];
  expect(seconds.length).toBeGreaterThanOrEqual(4);
  expect(seconds).toEqual(seconds.toSorted((a, b) => b - a));
  await outcome()
    .filter({ hasText: /^Expired/ })
    .waitFor();
});

it("is cancelled by its trader, from the keyboard", async () => {
  await request();
  await untilQuoted(1);
  await ticket().getByRole("button", { name: "Cancel RFQ" }).focus();
  await page.keyboard.press("Enter");
  await outcome()
    .filter({ hasText: /^Cancelled/ })
    .waitFor();
  expect(
    await quotes()
      .getByRole("button", { name: /^Accept / })
      .count(),
  ).toBe(0);
});

it("says why the desk refuses", async () => {
  await ticket().getByLabel("Quantity").fill("0");
  await ticket().getByRole("button", { name: "Request quotes" }).click();
  await expect
    .poll(async () => (await ticket().getByRole("alert").count()) + (await ticket().locator(":invalid").count()))
    .toBeGreaterThan(0);
});

it("follows two at once, and goes on with both after a cut without a gap", async () => {
  const first = await request({ seconds: 120 });
  await untilQuoted(1);
  const second = await request({ symbol: "NZDUSD", seconds: 120 });
  await untilQuoted(1);
  const port = await server.kill("SIGTERM");
  expect(port).toBe(0);
  await page
    .getByRole("status", { name: "Connection" })
    .filter({ hasText: /^(stale|resuming)/ })
    .waitFor();
  server = await server.restart();
  await page.getByRole("status", { name: "Connection" }).filter({ hasText: /^live/ }).waitFor({ timeout: 30_000 });
  // The demo ends what it had open when it was stopped, and says so.
  await page.locator(`button[data-rfq="${second}"][data-status="cancelled"]`).waitFor();
  await page.locator(`button[data-rfq="${first}"]`).click();
  await expect.poll(status).toBe("cancelled");
});

it("has no serious findings of axe, in the dark and in the light, and no fault on the page", async () => {
  await request();
  await untilQuoted(2);
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await new AxeBuilder({ page }).include('[data-panel="RFQ"]').include('[data-panel="Quotes"]').analyze();
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
  }
  expect(await ticket().getByRole("list", { name: "My RFQs" }).getByRole("button").count()).toBeGreaterThanOrEqual(10);
  expect(faults).toEqual([]);
});
