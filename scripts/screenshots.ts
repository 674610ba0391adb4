/** `npm run screenshots`: the pictures in `docs/images`, taken of the real page on the recorded quotes. */
import type { Page } from "playwright-core";
import { launchChromium } from "../test/browser/chromium.ts";
import { publish, publisherToken, startTestServer } from "../test/contract/server.ts";

/** Long enough for the sparklines to fill at this speed. */
const WAIT_MS = 45_000;

const server = await startTestServer({ env: { BROADTAPE_DEMO: "on", DEMO_SPEED: "2" } });
const browser = await launchChromium();
const pages = await Promise.all(
  (["dark", "light"] as const).map(async (colorScheme) => {
    const page = await browser.newPage({ viewport: { width: 1100, height: 320 }, deviceScaleFactor: 2, colorScheme });
    await page.goto(server.url);
    await page.getByRole("status", { name: "Connection" }).filter({ hasText: /^live/ }).waitFor();
    return { page, colorScheme };
  }),
);
await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
for (const { page, colorScheme } of pages) {
  await acknowledgeAlerts(page);
  const name = colorScheme === "dark" ? "prices" : "prices-light";
  await page.screenshot({ path: new URL(`../docs/images/${name}.png`, import.meta.url).pathname });
}
const [dark] = pages;
if (dark !== undefined) {
  await dark.page.setViewportSize({ width: 1200, height: 860 });
  const answered = dark.page.waitForResponse((response) => response.url().endsWith("/api/demo/rfqs"));
  await dark.page.getByRole("button", { name: "Request quotes" }).click();
  const { rfqId } = (await (await answered).json()) as { rfqId: string };
  // Not the demo's own RFQ that was shown before.
  await dark.page.locator(`section [data-rfq="${rfqId}"] table`).waitFor();
  await dark.page.locator('tr[data-quote][data-status="valid"]').nth(2).waitFor();
  await acknowledgeAlerts(dark.page);
  await dark.page.screenshot({ path: new URL("../docs/images/rfq.png", import.meta.url).pathname });
  await alarm();
  await dark.page.setViewportSize({ width: 1200, height: 830 });
  await dark.page.getByRole("region", { name: "Wallet" }).evaluate((panel) => panel.scrollIntoView());
  await dark.page.getByRole("alertdialog").waitFor();
  // Those on the screen are acknowledged after a second, and a new one is not yet.
  await dark.page.locator("tr[data-transaction]:not(:has([data-mark]))").nth(5).waitFor();
  await dark.page.locator("tr[data-transaction]:has([data-mark])").first().waitFor();
  await dark.page.screenshot({ path: new URL("../docs/images/wallet.png", import.meta.url).pathname });
}
await browser.close();
await server.remove();

/** They stand over the page's end. */
async function acknowledgeAlerts(page: Page): Promise<void> {
  const alert = page.getByRole("alertdialog");
  while ((await alert.count()) > 0) await alert.getByRole("button", { name: "Acknowledge" }).click();
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
