/**
 * The operator's console over one PostgreSQL, in a real Chromium: what services staged in it and what of that was refused, with the reason; and events
 * found by what they tell of.
 */
import { type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TestServer, publish, startTestServer, token } from "../contract/server.ts";
import { orderCreated } from "../contract/trading-order.ts";
import { query } from "../postgres.ts";
import { newDatabase } from "../postgres-database.ts";
import { seriousFindingsInBothThemes } from "./accessibility.ts";
import { connectChromium, newContext } from "./browser.ts";

/** One more than a page of the panel. */
const REFUSED = 51;

let browser: Browser;
let server: TestServer;
let page: Page;

beforeAll(async () => {
  const database = await newDatabase();
  server = await startTestServer({ env: { BROADTAPE_DATABASE_URL: database } });
  await query(database, "insert into broadtape.publishers (role, tenant) values ('postgres', 'tenant')");
  // A number that SQL has no fault to find with: such a batch is refused when it is moved.
  const wrong = JSON.stringify(orderCreated("wrong")).replace('"10"', "1e300");
  await query(database, "select broadtape.publish('tenant', 'bank-' || batch, $2) from generate_series(1, $1::int) batch", [
    REFUSED,
    `[${JSON.stringify(orderCreated("fine"))}, ${wrong}]`,
  ]);
  browser = await connectChromium();
  page = await (await newContext(browser, { viewport: { width: 1600, height: 1000 } })).newPage();
  await page.goto(`${server.url}/operations`);
  await page.getByLabel("Token").fill(await token({ sub: "olga", permissions: ["stream:admin"] }));
  await page.getByRole("button", { name: "Sign in" }).click();
});
afterAll(async () => {
  await browser.close();
  await server.remove();
});

const outbox = () => page.getByRole("region", { name: "Operations" }).getByRole("region", { name: "Outbox", exact: true });
const sources = () => outbox().locator("tr[data-batch] td:nth-child(4)").allInnerTexts();

it("shows what waits, and what was refused, newest first, with every reason, a page at a time", async () => {
  await expect.poll(async () => (await sources())[0]).toBe(`bank-${REFUSED}`);
  await outbox().getByText("nothing waits").waitFor();
  const row = outbox().locator("tr[data-batch]").first();
  const [, , role, , events, status, why] = await row.locator("td").allInnerTexts();
  expect([role, events, status]).toEqual(["postgres", "2", "422"]);
  expect(why).toMatch(/^event 1, data\.order\.quantity: /);
  await outbox().getByRole("button", { name: "Older" }).click();
  await expect.poll(sources).toEqual(["bank-1"]);
  expect(await outbox().getByRole("button", { name: "Older" }).count()).toBe(0);
  await outbox().getByRole("button", { name: "Newest" }).click();
  await expect.poll(async () => (await sources()).length).toBe(REFUSED - 1);
});

it("finds the newest event of an order that a row of a desk's snapshot names", async () => {
  for (const id of ["mine", "other", "mine-2"]) {
    const { status, text } = await publish(server.url, orderCreated(id));
    expect(status, text).toBe(200);
  }
  const way = page.getByRole("region", { name: "Follow an event" });
  await way.getByLabel("Event id or correlation id").fill("orders:ann/mine");
  await way.getByRole("button", { name: "Follow", exact: true }).click();
  await expect.poll(async () => way.getByLabel("Data").innerText()).toContain('"id": "mine"');
  expect(await way.locator("[data-way]").count()).toBe(1);
});

it("has no serious findings of axe, in the dark and in the light", async () => {
  // One row is like fifty, and looked at in no time.
  await outbox().getByRole("button", { name: "Older" }).click();
  await expect.poll(sources).toEqual(["bank-1"]);
  const findings = await seriousFindingsInBothThemes(page, { include: ['[data-area="outbox"]'] });
  expect(findings).toEqual([]);
});
