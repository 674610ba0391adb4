/** The wallet and its alerts in a real Chromium: recorded payments of the demo's user, filters, and alerts that wait for a person. */
import { randomUUID } from "node:crypto";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TestServer, publish, publisherToken, startTestServer, until } from "../contract/server.ts";
import { seriousFindingsInBothThemes } from "./accessibility.ts";
import { connectChromium, newContext } from "./browser.ts";

let browser: Browser;
let server: TestServer;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  browser = await connectChromium();
  server = await startTestServer({ env: { BROADTAPE_DEMO: "on", DEMO_SPEED: "5" } });
  page = await (await newContext(browser, { viewport: { width: 1600, height: 1000 } })).newPage();
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(server.url);
  await isLive();
});
afterAll(async () => {
  await browser.close();
  await server.remove();
});

const wallet = () => page.getByRole("region", { name: "Wallet" });
const freshness = () => wallet().locator('[data-field="freshness"]');
const rows = () => wallet().locator("tr[data-transaction]");
const alertDialog = () => page.getByRole("region", { name: "Alerts" }).getByRole("alertdialog");
const isLive = () => freshness().filter({ hasText: /^live/ }).waitFor();

interface Demo {
  readonly token: string;
  readonly userId: string;
  readonly tenantId: string;
}

async function demo(): Promise<Demo> {
  const answer = await fetch(`${server.url}/api/demo/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  return (await answer.json()) as Demo;
}

const AMOUNTS = ["availableBalance", "ledgerBalance", "pendingAmount", "lockedAmount"] as const;

/** Each currency's amounts as the server's newest state has them. */
async function balancesOnServer(): Promise<string[]> {
  const answer = await fetch(`${server.url}/api/v1/topics/wallets:me/snapshot`, {
    headers: { authorization: `Bearer ${(await demo()).token}` },
  });
  const { state } = (await answer.json()) as { state: { wallets: { currency: string; balance: Record<string, string> }[] } };
  return state.wallets.map(({ currency, balance }) => [currency, ...AMOUNTS.map((name) => balance[name])].join(" ")).sort();
}

async function balancesOnPage(): Promise<string[]> {
  const lines = await wallet()
    .locator("tr[data-currency]")
    .evaluateAll((each) =>
      each.map((row) =>
        [
          row.getAttribute("data-currency"),
          ...[...row.querySelectorAll("[data-field]")].map((amount) => amount.textContent.replaceAll(",", "")),
        ].join(" "),
      ),
    );
  return lines.sort();
}

async function agree(): Promise<void> {
  await expect
    .poll(async () => {
      const [shown, known] = [await balancesOnPage(), await balancesOnServer()];
      return shown.length > 1 && shown.join() === known.join() ? "agree" : `${shown.join()} and ${known.join()}`;
    })
    .toBe("agree");
}

async function filter(input: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, text] of Object.entries(input)) await wallet().getByLabel(label, { exact: true }).fill(text);
  await wallet().getByRole("button", { name: "Filter" }).click();
}

/** What stands in a column of the feed. */
const shown = (name: string) => rows().locator(`[data-field="${name}"]`).allInnerTexts();

it("shows the newest transactions, and balances that agree with the server's digit for digit", async () => {
  await expect.poll(() => rows().count()).toBeGreaterThan(5);
  for (const amount of await shown("amount")) expect(amount).toMatch(/^\d{1,3}(,\d{3})*\.\d\d$/);
  expect(await rows().locator('[data-field="direction"]').allInnerTexts()).toContain("out");
  await agree();
});

it("marks a wallet as frozen, and shows it after a reload though nothing of it is told anew", async () => {
  const { userId, tenantId } = await demo();
  const bearer = await publisherToken(tenantId);
  const frozen = { currency: "XAU", action: "FROZEN", status: "FROZEN" };
  const balance = { currency: "XAU", availableBalance: "0.1250", ledgerBalance: 1.125, pendingAmount: 0, lockedAmount: "1" };
  for (const event of [
    { type: "wallet.balance", data: { userId, wallet: balance } },
    { type: "wallet.changed", data: { userId, wallet: frozen } },
  ]) {
    const { status, text } = await publish(server.url, event, { bearer });
    expect(status, text).toBeLessThan(300);
  }
  const row = wallet().locator('tr[data-currency="XAU"]').filter({ hasText: "Frozen" });
  await row.waitFor();
  expect(await row.locator('[data-field="availableBalance"]').innerText()).toBe("0.1250");
  await page.reload();
  await row.waitFor();
  await agree();
});

it("acknowledges a transaction when it was on the screen, and says so until then", async () => {
  const waiting = wallet().locator("tr[data-transaction]:has([data-mark=waiting])");
  // It waits for a moment alone.
  const one = await until(async () => (await waiting.evaluateAll((each) => each.map((row) => row.getAttribute("data-transaction"))))[0]);
  await page.locator(`tr[data-transaction="${one}"]:not(:has([data-mark=waiting]))`).waitFor();
});

it("narrows by a filter that the server keeps, and shows all again without it", async () => {
  await expect.poll(async () => new Set(await shown("currency")).size).toBeGreaterThan(1);
  await filter({ Currency: "GBP", "Max amount": "1000" });
  await expect.poll(async () => [...new Set(await shown("currency"))]).toEqual(["GBP"]);
  const before = await rows().count();
  await expect.poll(() => rows().count()).toBeGreaterThan(before);
  for (const amount of await shown("amount")) expect(Number(amount.replaceAll(",", ""))).toBeLessThanOrEqual(1000);
  const answer = await fetch(`${server.url}/api/v1/subscriptions`, { headers: { authorization: `Bearer ${(await demo()).token}` } });
  expect(await answer.text()).toContain('"maxAmount":"1000"');
  await wallet().getByRole("button", { name: "Clear" }).click();
  await expect.poll(async () => new Set(await shown("currency")).size).toBeGreaterThan(1);
});

it("shows why the server refuses a filter, and goes on with the one before", async () => {
  await filter({ "Min amount": "5", "Max amount": "1" });
  await wallet().getByRole("alert").filter({ hasText: "Min amount: must not be above maxAmount" }).waitFor();
  expect(await wallet().getByLabel("Min amount").getAttribute("aria-invalid")).toBe("true");
  const newest = await rows().first().getAttribute("data-transaction");
  await expect.poll(() => rows().first().getAttribute("data-transaction")).not.toBe(newest);
  await wallet().getByRole("button", { name: "Clear" }).click();
  await expect.poll(() => wallet().getByRole("alert").count()).toBe(0);
});

/** Acknowledges what waits before it, by keyboard. */
async function untilAlert(reason: string): Promise<void> {
  await expect
    .poll(async () => {
      const text = await alertDialog().innerText();
      if (text.includes(reason)) return reason;
      await alertDialog().getByRole("button", { name: "Acknowledge" }).focus();
      await page.keyboard.press("Enter");
      return text;
    })
    .toBe(reason);
}

/** Publishes an alert of the page's user. */
async function alarm(reason: string): Promise<void> {
  const { userId, tenantId } = await demo();
  const alert = { transactionId: "TXN-of-the-test", riskScore: 0.93, reason, action: "BLOCK", details: { device: "new" } };
  const bearer = await publisherToken(tenantId);
  const { status, text } = await publish(server.url, { type: "fraud.alert", data: { userId, alert } }, { bearer });
  expect(status, text).toBeLessThan(300);
}

it("shows a fraud alert until it is acknowledged: over a reload too, and never again afterwards", async () => {
  const [reason, next] = [randomUUID(), randomUUID()];
  await alarm(reason);
  await untilAlert(reason);
  for (const text of ["Blocked", "TXN-of-the-test", "0.93", "new"]) expect(await alertDialog().innerText()).toContain(text);
  expect(await alertDialog().locator('[data-mark="redelivered"]').count()).toBe(0);

  await page.reload();
  await alertDialog().filter({ hasText: reason }).waitFor();
  expect(await alertDialog().locator('[data-mark="redelivered"]').innerText()).toMatch(/^redelivered \(attempt \d+\)$/);

  await alertDialog().getByRole("button", { name: "Acknowledge" }).click();
  await alertDialog().filter({ hasText: reason }).waitFor({ state: "detached" });
  await page.reload();
  // It would stand before those that came after it.
  await alarm(next);
  await alertDialog().waitFor();
  expect(await alertDialog().innerText()).not.toContain(reason);
  await untilAlert(next);
});

it("says since when it is cut off, and agrees with the server again after a restart", async () => {
  expect(await server.kill("SIGTERM")).toBe(0);
  await freshness()
    .filter({ hasText: /^(stale|resuming · stale) since \d\d:\d\d:\d\d/ })
    .waitFor();
  server = await server.restart();
  await isLive();
  await agree();
});

it("has no serious findings of axe, in the dark and in the light, and no fault on the page", async () => {
  await alarm("for axe to look at");
  await alertDialog().waitFor();
  await expect.poll(() => rows().count()).toBeGreaterThan(3);
  expect(await seriousFindingsInBothThemes(page, { include: ['[data-panel="Wallet"]', '[data-panel="Alerts"]'] })).toEqual([]);
  expect(faults).toEqual([]);
});
