/** `npm run screenshots`: the pictures in `docs/images`, taken of the real page on the recorded quotes. */
import type { Page } from "playwright-core";
import { launchChromium } from "../test/browser/chromium.ts";
import { publish, publisherToken, startTestServer } from "../test/contract/server.ts";
import { pictureNodes } from "./nodes-screenshot.ts";
import { pictureOperations } from "./operator-screenshots.ts";

/** Long enough for the sparklines to fill at this speed. */
const WAIT_MS = 45_000;
const SIZE = { width: 1600, height: 1000 };

const server = await startTestServer({ env: { BROADTAPE_DEMO: "on", DEMO_SPEED: "2" } });
const browser = await launchChromium();
const [dark, light] = await Promise.all((["dark", "light"] as const).map(openDesk));
if (dark === undefined || light === undefined) throw new Error("two desks were expected");
await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
await alarm();
for (const [page, name] of [
  [dark, "desk"],
  [light, "desk-light"],
] as const) {
  await showQuotes(page);
  await page.screenshot({ path: pathOf(name) });
}
for (const [name, region] of [
  ["prices", "Watchlist"],
  ["rfq", "Quotes"],
  ["wallet", "Wallet"],
] as const)
  await dark.getByRole("region", { name: region }).screenshot({ path: pathOf(name) });
await besides(dark);
await dark.screenshot({ path: pathOf("desk-beside") });
await pictureOperations(browser, server.url);
await server.remove();
await pictureNodes(browser);
await browser.close();

async function openDesk(colorScheme: "dark" | "light"): Promise<Page> {
  const page = await browser.newPage({ viewport: SIZE, colorScheme, deviceScaleFactor: 1.5 });
  await page.goto(server.url);
  await page.getByRole("status", { name: "Connection" }).filter({ hasText: /^live/ }).waitFor();
  return page;
}

function pathOf(name: string): string {
  return new URL(`../docs/images/${name}.png`, import.meta.url).pathname;
}

/** An RFQ of its own, with some quotes that stand. */
async function showQuotes(page: Page): Promise<void> {
  const answered = page.waitForResponse((response) => response.url().endsWith("/api/demo/rfqs"));
  await page.getByRole("button", { name: "Request quotes" }).click();
  const { rfqId } = (await (await answered).json()) as { rfqId: string };
  await page.locator(`[data-rfq="${rfqId}"] tr[data-quote][data-status="valid"]`).nth(2).waitFor();
  await page.getByRole("alertdialog").waitFor();
}

/** Another tenant's desk beside this one. */
async function besides(page: Page): Promise<void> {
  await page.setViewportSize({ width: 2400, height: 1000 });
  await page.getByRole("button", { name: "Open beside" }).click();
  const other = page.frameLocator("iframe");
  await other.getByRole("status", { name: "Connection" }).filter({ hasText: /^live/ }).waitFor();
  await other.locator('[data-symbol="XAUUSD"] [data-field="ask"]').filter({ hasText: /\d/ }).waitFor();
}

/** An alert for the picture: the demo's own come when they come. */
async function alarm(): Promise<void> {
  const alert = {
    transactionId: "TXN-88213",
    riskScore: 0.97,
    reason: "part of a chain of transfers that leads back to its beginning",
    action: "BLOCK",
    details: { amount: "18.23", currency: "USD", counterpartyName: "Account 9619" },
  };
  const { status, text } = await publish(
    server.url,
    { type: "fraud.alert", data: { userId: "ada", alert } },
    { bearer: await publisherToken("demo-bank") },
  );
  if (status >= 300) throw new Error(`the alert was refused: ${status} ${text}`);
}
