/** `npm run screenshots`: the pictures in `docs/images`, taken of the real page on the recorded quotes. */
import { launchChromium } from "../test/browser/chromium.ts";
import { startTestServer } from "../test/contract/server.ts";

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
  const name = colorScheme === "dark" ? "prices" : "prices-light";
  await page.screenshot({ path: new URL(`../docs/images/${name}.png`, import.meta.url).pathname });
}
const [dark] = pages;
if (dark !== undefined) {
  await dark.page.setViewportSize({ width: 1200, height: 860 });
  await dark.page.getByRole("button", { name: "Request quotes" }).click();
  await dark.page.locator('tr[data-quote][data-status="valid"]').nth(2).waitFor();
  await dark.page.screenshot({ path: new URL("../docs/images/rfq.png", import.meta.url).pathname });
}
await browser.close();
await server.remove();
