/** Pictures of the operator's console and of trying things out, taken while the demo runs. */
import type { Browser, Page } from "playwright-core";
import { publish, publisherToken } from "../test/contract/server.ts";

const TENANT = "demo-bank";

/** Writes `docs/images/operations.png` and `try.png`. Users of the demo should be connected by then. */
export async function pictureOperations(browser: Browser, server: string): Promise<void> {
  const context = await browser.newContext({ deviceScaleFactor: 1.25, colorScheme: "dark" });
  const page = await context.newPage();
  await page.setViewportSize({ width: 1600, height: 960 });
  await tryThings(page, server);
  await pictureOf(page, "try");
  await page.setViewportSize({ width: 1600, height: 1400 });
  await publish(server, { type: "transaction.made-up", data: {} }, { bearer: await publisherToken(TENANT) });
  await page.goto(`${server}/operations?as=olga`);
  await page.getByRole("status", { name: "Connection" }).filter({ hasText: "live" }).waitFor();
  await followOne(page, server);
  await pictureOf(page, "operations");
  await context.close();
}

async function tryThings(page: Page, server: string): Promise<void> {
  await page.goto(`${server}/try?as=olga`);
  await page.getByRole("button", { name: "Subscribe", exact: true }).click();
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await page.getByRole("status", { name: "Answer" }).filter({ hasText: "Stored" }).waitFor();
  await page.locator('[data-frame="40"]').waitFor();
}

/** A transaction whose user is connected, when it has been acknowledged. */
async function followOne(page: Page, server: string): Promise<void> {
  const createdAt = new Date().toISOString();
  const transaction = { id: "TXN-88213", amount: "18.20", currency: "USD", type: "transfer", status: "PENDING", createdAt };
  const data = { userId: "ada", transaction };
  const { body, text } = await publish(server, { type: "transaction.created", data }, { bearer: await publisherToken(TENANT) });
  const [stored] = body.results;
  if (stored === undefined) throw new Error(`the transaction was refused: ${text}`);
  await page.getByLabel("Event id or correlation id").fill(stored.eventId);
  await page.getByRole("button", { name: "Follow", exact: true }).click();
  await page.locator("tr[data-delivery] td:last-child", { hasText: /s$/ }).first().waitFor();
}

async function pictureOf(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: new URL(`../docs/images/${name}.png`, import.meta.url).pathname });
}
