/** A picture of the operator's console over several nodes that share a PostgreSQL, with desks on some of them. */
import type { Browser } from "playwright-core";
import { type TestServer, startTestServer } from "../test/contract/server.ts";
import { orderCreated } from "../test/contract/trading-order.ts";
import { query, startCluster } from "../test/postgres.ts";

const NAMES = ["north", "south", "west"];
/** Long enough for charts to have some lines. */
const WAIT_MS = 60_000;

/** Writes `docs/images/operations-nodes.png`. */
export async function pictureNodes(browser: Browser): Promise<void> {
  const cluster = await startCluster({ fsync: "off" });
  const nodes: TestServer[] = [];
  try {
    const database = await cluster.createDatabase("desk");
    for (const name of NAMES)
      nodes.push(await startTestServer({ env: { BROADTAPE_DATABASE_URL: database, BROADTAPE_NODE: name, BROADTAPE_DEMO: "on" } }));
    await stage(database);
    await pictureOf(browser, nodes);
  } finally {
    await Promise.all(nodes.map((node) => node.remove()));
    await cluster.remove();
  }
}

/** Batches of services, with a number that SQL has no fault to find with. */
async function stage(database: string): Promise<void> {
  await query(database, "insert into broadtape.publishers (role, tenant) values ('postgres', 'demo-bank')");
  const wrong = JSON.stringify(orderCreated("wrong")).replace('"10"', "1e300");
  for (const source of ["core-banking", "cards"])
    await query(database, "select broadtape.publish('demo-bank', $1, $2)", [source, `[${JSON.stringify(orderCreated("fine"))}, ${wrong}]`]);
}

async function pictureOf(browser: Browser, [first, ...others]: readonly TestServer[]): Promise<void> {
  const context = await browser.newContext({ deviceScaleFactor: 1.25, colorScheme: "dark", viewport: { width: 1600, height: 1000 } });
  for (const { url } of others) {
    const desk = await context.newPage();
    await desk.goto(url);
    await desk.getByRole("status", { name: "Connection" }).filter({ hasText: /^live/ }).waitFor();
  }
  await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  const page = await context.newPage();
  await page.goto(`${first?.url ?? ""}/operations?as=olga`);
  await page.getByText(/^views agree at offset/).waitFor();
  await page.locator('[data-latency="p99"]').filter({ hasText: /s$/ }).waitFor();
  await page.locator("tr[data-batch]").first().waitFor();
  await page.screenshot({ path: new URL("../docs/images/operations-nodes.png", import.meta.url).pathname, fullPage: true });
  await context.close();
}
