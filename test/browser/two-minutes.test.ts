/** README "Two minutes", as a stranger goes through it: prices, a trade, a cut that heals, and that trade's event in the console. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TestServer, startTestServer } from "../contract/server.ts";
import { connectChromium, newContext } from "./browser.ts";
import { clickNow, rfqTicket } from "./rfq-ticket.ts";
import { textsOf } from "./texts.ts";

let browser: Browser;
let server: TestServer;
let context: BrowserContext;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  browser = await connectChromium();
  server = await startTestServer({ env: { BROADTAPE_DEMO: "on", DEMO_SPEED: "5" } });
  context = await newContext(browser, { viewport: { width: 1600, height: 1000 } });
  context.on("weberror", (fault) => faults.push(String(fault.error())));
  page = await context.newPage();
  await page.goto(server.url);
});
afterAll(async () => {
  await browser.close();
  await server.remove();
});

const connection = (at: Page) => at.getByRole("status", { name: "Connection" });
const panel = (name: string) => page.getByRole("region", { name, exact: true });
const filledRows = () => panel("Orders").locator("tr").filter({ hasText: "rfq" }).filter({ hasText: "filled" });

it("shows prices that move", async () => {
  const bid = panel("Watchlist").locator('[data-symbol="EURUSD"] [data-field="bid"]');
  await bid.filter({ hasText: /\d/ }).waitFor();
  const first = await bid.innerText();
  await expect.poll(() => bid.innerText()).not.toBe(first);
});

it("trades an RFQ", async () => {
  await panel("RFQ").getByLabel("Symbol").selectOption("EURUSD");
  // A busy machine is given the time.
  await panel("RFQ").getByLabel("Seconds").fill("300");
  const { asked, requestQuotes, acceptBest, untilOutcome } = rfqTicket(page);
  await asked(() => requestQuotes.click());
  await panel("Quotes").locator('[data-rfq][data-status="quoted"]').waitFor();
  await untilOutcome(/^Filled at \d/, () => clickNow(acceptBest));
  await filledRows().first().waitFor();
});

it("loses its connection, and heals it from where it was", async () => {
  const told = connection(page);
  // It may be healed before anybody asks.
  const texts = await textsOf(page, '[role="status"][aria-label="Connection"]');
  await page.getByRole("button", { name: "Cut connection" }).click();
  await expect.poll(texts).toContainEqual(expect.stringMatching(/^stale since \d\d:\d\d:\d\d/));
  await told.filter({ hasText: /^live.* · caught up on \d+ events? at \d\d:\d\d:\d\d$/ }).waitFor();
  expect(await told.innerText()).not.toContain("resynced");
  for (const name of ["Watchlist", "Orders", "Wallet"]) {
    await panel(name)
      .locator('[data-field="freshness"]')
      .filter({ hasText: /^live.* · caught up on \d+ event/ })
      .waitFor();
  }
});

it("leads from the trade to the very event in the operator's console", async () => {
  const row = filledRows().first();
  const orderId = (await row.getAttribute("data-row")) ?? "";
  const opened = context.waitForEvent("page");
  await page.getByRole("link", { name: `Follow order ${orderId}`, exact: true }).click();
  const operations = await opened;
  await operations.waitForURL(/\/operations\?as=olga&event=/);
  const eventId = new URL(operations.url()).searchParams.get("event") ?? "";
  const way = operations.getByRole("region", { name: "Follow an event" }).locator(`[data-way="${eventId}"]`);
  await way.waitFor();
  expect(await way.getByRole("heading").innerText()).toContain("trading.order.filled");
  expect(await way.getByLabel("Data").innerText()).toContain(orderId);
  await way.locator("[data-delivery]").filter({ hasText: "ada" }).first().waitFor();
  expect(faults).toEqual([]);
});
