/** The desk in a real Chromium: its panels, its keys, its layout, its truth over a cut, and two users at once. */
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Line } from "../contract/line.ts";
import { type TestServer, publish, publisherToken, startTestServer } from "../contract/server.ts";
import { seriousFindings } from "./accessibility.ts";
import { connectChromium, newContext } from "./browser.ts";
import { rfqTicket } from "./rfq-ticket.ts";

const PANELS = ["Watchlist", "Chart", "RFQ", "Quotes", "Orders", "Positions", "Trades", "Wallet", "Alerts"] as const;
type Panel = (typeof PANELS)[number];

let browser: Browser;
let server: TestServer;
/** Between the browser and the server. */
let line: Line;
let context: BrowserContext;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  browser = await connectChromium();
  server = await startTestServer({ env: { BROADTAPE_DEMO: "on", DEMO_SPEED: "5" } });
  line = await Line.open(() => server.url);
  context = await newContext(browser, { viewport: { width: 1600, height: 1000 } });
  page = await context.newPage();
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(`${line.url}/?as=mia`);
  await isLive();
});
afterAll(async () => {
  await browser.close();
  line.close();
  await server.remove();
});

const connection = (at: Page = page) => at.getByRole("status", { name: "Connection" });
const isLive = (at: Page = page) => connection(at).filter({ hasText: /^live/ }).waitFor();
const panel = (name: Panel, at: Page = page) => at.getByRole("region", { name, exact: true });
const freshness = (name: Panel) => panel(name).locator('[data-field="freshness"]');
const row = (name: Panel, id: string, at: Page = page) => panel(name, at).locator(`tr[data-row="${id}"]`);
const field = (line: Locator, name: string) => line.locator(`[data-field="${name}"]`).last();

async function tell(type: string, data: object, tenant = "demo-bank"): Promise<void> {
  const { status, text } = await publish(server.url, { type, data }, { bearer: await publisherToken(tenant) });
  expect(status, text).toBeLessThan(300);
}

const eventually = <T>(read: () => T) => expect.poll(read);

const order = (id: string, more: object = {}) => ({
  id,
  symbol: "ACME",
  side: "buy",
  type: "limit",
  quantity: "100",
  price: "7.1234",
  status: "submitted",
  filledQuantity: "0",
  averagePrice: null,
  createdAt: new Date().toISOString(),
  ...more,
});

const position = (id: string, more: object = {}) => ({
  id,
  symbol: "ACME",
  side: "long",
  quantity: "100",
  entryPrice: "7.00",
  currentPrice: "7.00",
  unrealizedPnL: "0",
  unrealizedPnLPercent: "0",
  realizedPnL: "0",
  totalPnL: "0",
  status: "open",
  openedAt: new Date().toISOString(),
  ...more,
});

const price = (bid: number) => ({ symbol: "ACME", source: "TEST", bid, ask: bid, timestamp: Date.now() });

it("has its panels as regions, each saying that it is live", async () => {
  for (const name of PANELS) await freshness(name).filter({ hasText: /^live/ }).waitFor();
});

it("finds a symbol by keyboard, follows it, and draws it", async () => {
  await page.keyboard.press("Alt+KeyS");
  await page.keyboard.type("ACME");
  await page.keyboard.press("Enter");
  await tell("market-data.quote", price(7.1));
  const acme = panel("Watchlist").locator('[data-symbol="ACME"]');
  await eventually(() => acme.locator('[data-field="bid"]').innerText()).toMatch(/^7\.1/);
  await tell("market-data.quote", price(7.25));
  await eventually(() => acme.locator('[data-field="bid"]').innerText()).toMatch(/^7\.25▲/);
  expect(await acme.locator('[data-field="source"]').innerText()).toBe("TEST");
  expect(await panel("Chart").innerText()).toContain("ACME");
  const drawing = panel("Chart").locator('[data-kind="candles"]');
  await eventually(async () => Number(await drawing.getAttribute("data-points"))).toBeGreaterThanOrEqual(2);
  await drawing.locator("canvas").first().waitFor();
  await panel("Chart").getByRole("button", { name: "ticks" }).click();
  await panel("Chart").locator('[data-kind="ticks"] canvas').first().waitFor();
  expect(await panel("RFQ").getByLabel("Symbol").inputValue()).toBe("ACME");
});

it("shows an order through its life, its trade, and a position with what it is worth at every price", async () => {
  await tell("trading.order.submitted", { userId: "mia", order: order("o-1") });
  await eventually(() => field(row("Orders", "o-1"), "status").innerText()).toBe("submitted");
  expect(await field(row("Orders", "o-1"), "price").innerText()).toBe("7.1234");
  await tell("trading.order.filled", {
    userId: "mia",
    order: order("o-1", { status: "filled", filledQuantity: "100", averagePrice: "7.12" }),
  });
  await eventually(() => field(row("Orders", "o-1"), "status").innerText()).toBe("filled");
  const trade = { id: "t-1", orderId: "o-1", symbol: "ACME", side: "buy", type: "entry", quantity: "100", price: "7.12", value: "712.00" };
  await tell("trading.trade.executed", { userId: "mia", trade: { ...trade, fee: "0.10", executedAt: new Date().toISOString() } });
  await eventually(() => field(row("Trades", "t-1"), "value").innerText()).toBe("712.00");
  await tell("trading.position.opened", { userId: "mia", position: position("p-1") });
  await row("Positions", "p-1").waitFor();
  await tell("market-data.quote", price(7.5));
  await eventually(() => field(row("Positions", "p-1"), "unrealized").innerText()).toBe("50");
  await tell("market-data.quote", price(6.5));
  await eventually(() => field(row("Positions", "p-1"), "unrealized").innerText()).toBe("-50");
  expect(await panel("Positions").locator('[data-field="total-value"]').innerText()).toBe("650");
});

it("keeps an alert until it is acknowledged, and over a reload it stays acknowledged", async () => {
  await tell("alert.triggered", { userId: "mia", alertId: "margin", level: "error", message: "margin call" });
  const alert = panel("Alerts").locator('[data-alert="margin"]');
  await alert.filter({ hasText: "margin call" }).waitFor();
  await alert.getByRole("button", { name: "Acknowledge" }).click();
  await alert.filter({ hasText: "acknowledged" }).waitFor();
  await page.reload();
  await alert.filter({ hasText: "acknowledged" }).waitFor();
  expect(await alert.getByRole("button").count()).toBe(0);
});

it("asks for quotes, accepts the best and cancels from the keyboard, and goes from panel to panel", async () => {
  await panel("Watchlist").getByRole("button", { name: "EURUSD", exact: true }).click();
  await eventually(() => panel("RFQ").getByLabel("Symbol").inputValue()).toBe("EURUSD");
  // A busy machine is given the time.
  await panel("RFQ").getByLabel("Seconds").fill("300");
  const { asked, untilOutcome } = rfqTicket(page);
  const ask = async () => {
    await asked(async () => {
      await page.keyboard.press("Alt+KeyN");
      await eventually(() => page.evaluate(() => document.activeElement?.getAttribute("data-shortcut"))).toBe("newRfq");
      await page.keyboard.press("Enter");
    });
    await panel("Quotes").locator('[data-rfq][data-status="quoted"]').waitFor();
  };
  await ask();
  await untilOutcome(/^Filled at \d/, () => page.keyboard.press("Alt+KeyA"));
  await ask();
  await untilOutcome(/^Cancelled/, () => page.keyboard.press("Alt+KeyC"));
  const focused = () => page.evaluate(() => document.activeElement?.closest("[data-panel]")?.getAttribute("data-panel"));
  const visited = new Set<string>();
  for (const _ of PANELS) {
    await page.keyboard.press("F6");
    visited.add((await focused()) ?? "");
  }
  expect([...visited].sort()).toEqual([...PANELS].sort());
  const last = await focused();
  await page.keyboard.press("F6");
  await page.keyboard.press("Shift+F6");
  expect(await focused()).toBe(last);
});

it("remembers where a panel was put", async () => {
  const box = async (name: Panel) => (await panel(name).boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  const before = await box("Trades");
  const target = await box("Alerts");
  await page.getByRole("tab", { name: "Trades" }).dragTo(panel("Alerts"));
  await eventually(async () => Math.abs((await box("Trades")).x - target.x)).toBeLessThan(10);
  const after = await box("Trades");
  expect(after.x).not.toBe(before.x);
  await page.reload();
  await isLive();
  await eventually(() => box("Trades")).toEqual(after);
  await page.getByRole("button", { name: "Reset layout" }).click();
  await eventually(async () => (await box("Trades")).x).toBe(before.x);
});

it("says on each panel that it is stale, and after the cut on how many events it caught up", async () => {
  const waiting = Promise.all(
    PANELS.map((name) =>
      freshness(name)
        .filter({ hasText: /^(stale|resuming)/ })
        .waitFor(),
    ),
  );
  line.isDown = true;
  line.cut();
  await server.kill("SIGKILL");
  await connection()
    .filter({ hasText: /^stale since \d\d:\d\d:\d\d/ })
    .waitFor();
  await waiting;
  expect(await panel("RFQ").getByRole("button", { name: "Accept best" }).isDisabled()).toBe(true);
  await panel("Watchlist").locator('[data-symbol="EURUSD"][data-stale="true"]').waitFor();
  server = await server.restart();
  for (const id of ["o-2", "o-3", "o-4"]) await tell("trading.order.submitted", { userId: "mia", order: order(id) });
  line.isDown = false;
  await freshness("Orders")
    .filter({ hasText: /^live · caught up on (?:[3-9]|[1-9]\d+) events at \d\d:\d\d:\d\d/ })
    .waitFor();
  for (const id of ["o-2", "o-3", "o-4"]) await row("Orders", id).waitFor();
  await connection()
    .filter({ hasText: /^live · caught up on \d+ events/ })
    .waitFor();
});

it("shows the desks of two tenants side by side, and nothing of one on the other", async () => {
  await page.getByRole("button", { name: "Open beside" }).click();
  const other = page.frameLocator("iframe");
  await other.getByRole("status", { name: "Connection" }).filter({ hasText: /^live/ }).waitFor();
  const user = await other.getByLabel("Sign in as").inputValue();
  expect(user).toBe("cleo");
  await tell("trading.order.submitted", { userId: "cleo", order: order("o-of-cleo") }, "demo-fund");
  // The same name in another tenant is another user.
  await tell("trading.order.submitted", { userId: "cleo", order: order("o-of-namesake") }, "demo-bank");
  await tell("trading.order.submitted", { userId: "mia", order: order("o-of-mia") });
  await other.locator('tr[data-row="o-of-cleo"]').waitFor();
  await row("Orders", "o-of-mia").waitFor();
  expect(await other.locator('tr[data-row="o-of-mia"], tr[data-row="o-of-namesake"]').count()).toBe(0);
  expect(await page.locator('tr[data-row="o-of-cleo"], tr[data-row="o-of-namesake"]').count()).toBe(0);
  await page.getByRole("button", { name: "Close beside" }).click();
});

it("is another user's after signing in as that one", async () => {
  const second = await context.newPage();
  await second.goto(line.url);
  await second.getByLabel("Sign in as").selectOption("cleo");
  await second.waitForURL(/as=cleo/);
  await isLive(second);
  await row("Orders", "o-of-cleo", second).waitFor();
  expect(await row("Orders", "o-of-mia", second).count()).toBe(0);
  await second.close();
});

it("has no serious findings of axe, in the dark and in the light, and no fault on the page", async () => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  // Rows are alike; a few of each table stand for all.
  const part = { exclude: "tbody tr:nth-child(n+5)" };
  for (const [theme, rules] of [
    ["Dark", {}],
    ["Light", { rule: "color-contrast" as const }],
  ] as const) {
    const button = page.getByRole("button", { name: theme, exact: true });
    if ((await button.count()) > 0) await button.click();
    expect(await seriousFindings(page, { ...part, ...rules })).toEqual([]);
  }
  expect(faults).toEqual([]);
});
