/** The RFQ ticket and ladder in a real Chromium, dealt by the demo's desk: ten RFQs, as a trader would have them. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TestServer, startTestServer } from "../contract/server.ts";
import { seriousFindingsInBothThemes } from "./accessibility.ts";
import { connectChromium, newContext } from "./browser.ts";
import { clickNow, type RfqTicket, rfqTicket } from "./rfq-ticket.ts";
import { textsOf } from "./texts.ts";

let browser: Browser;
let server: TestServer;
let page: Page;
let desk: RfqTicket;
const faults: string[] = [];

beforeAll(async () => {
  browser = await connectChromium();
  server = await startTestServer({ env: { BROADTAPE_DEMO: "on", DEMO_SPEED: "2" } });
  page = await (await newContext(browser, { viewport: { width: 1200, height: 900 } })).newPage();
  page.on("pageerror", (error) => faults.push(String(error)));
  desk = rfqTicket(page);
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
async function request({ symbol = "EURUSD", side = "Buy", quantity = "1000000", seconds = 300 }: Wish = {}): Promise<string> {
  await ticket().getByLabel("Symbol").selectOption(symbol);
  await ticket().getByLabel("Side").selectOption({ label: side });
  await ticket().getByLabel("Quantity").fill(quantity);
  await ticket().getByLabel("Seconds").fill(String(seconds));
  const answer = await desk.asked(() => desk.requestQuotes.click());
  const { rfqId } = (await answer.json()) as { rfqId: string };
  await quotes().locator(`[data-rfq="${rfqId}"]`).waitFor();
  return rfqId;
}

async function untilQuoted(count: number): Promise<void> {
  await expect.poll(() => rows().count()).toBeGreaterThanOrEqual(count);
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
  await expect.poll(() => rows().first().locator('[data-field="ranking"]').innerText()).toMatch(/^1/);
  await expect.poll(() => quotes().locator('[data-best="true"]').count()).toBeGreaterThan(0);
  await desk.untilOutcome(/^Filled at \d+\.\d+/, () => clickNow(desk.acceptBest));
  await expect.poll(() => page.locator(`button[data-rfq="${rfqId}"]`).getAttribute("data-status")).toBe("filled");
  await expect.poll(() => desk.acceptBest.isDisabled()).toBe(true);
});

it("fills at the quote of the provider that is chosen", async () => {
  await request();
  await untilQuoted(1);
  let chosen: string | undefined;
  await desk.untilOutcome(/^Filled at /, async () => {
    const [id] = await rows().evaluateAll((each) => each.map((row) => row.getAttribute("data-quote") ?? ""));
    const accept = quotes()
      .locator(`tr[data-quote="${id}"]`)
      .getByRole("button", { name: /^Accept / });
    if (id === undefined || (await accept.count()) === 0) return;
    chosen = id;
    await clickNow(accept);
  });
  expect(await quotes().locator(`tr[data-quote="${chosen}"]`).count()).toBe(1);
});

it("counts down by the second while quotes may come, and ends when time is up", async () => {
  const texts = await textsOf(page, '[role="timer"][aria-label="Time remaining"]');
  await request({ seconds: 6 });
  await expect.poll(status).toBe("expired");
  // Of the RFQ before, which is over, there is none.
  const seconds = (await texts()).map((text) => Number.parseInt(text, 10));
  expect(seconds.length).toBeGreaterThanOrEqual(3);
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
  const first = await request();
  await untilQuoted(1);
  const second = await request({ symbol: "NZDUSD" });
  await untilQuoted(1);
  const port = await server.kill("SIGTERM");
  expect(port).toBe(0);
  await page
    .getByRole("status", { name: "Connection" })
    .filter({ hasText: /^(stale|resuming)/ })
    .waitFor();
  server = await server.restart();
  await page.getByRole("status", { name: "Connection" }).filter({ hasText: /^live/ }).waitFor();
  // The demo ends what it had open when it was stopped, and says so.
  await page.locator(`button[data-rfq="${second}"][data-status="cancelled"]`).waitFor();
  await page.locator(`button[data-rfq="${first}"]`).click();
  await expect.poll(status).toBe("cancelled");
});

it("has no serious findings of axe, in the dark and in the light, and no fault on the page", async () => {
  await request();
  await untilQuoted(2);
  expect(await seriousFindingsInBothThemes(page, { include: ['[data-panel="RFQ"]', '[data-panel="Quotes"]'] })).toEqual([]);
  expect(await ticket().getByRole("list", { name: "My RFQs" }).getByRole("button").count()).toBeGreaterThanOrEqual(10);
  expect(faults).toEqual([]);
});
