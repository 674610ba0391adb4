/** The operator's console over three nodes of one PostgreSQL, in a real Chromium: all of them, one of them, and one that went away. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { nativeClients } from "../contract/native-client.ts";
import { type TestServer, publish, startTestServer, token } from "../contract/server.ts";
import { newDatabase } from "../postgres-database.ts";
import { seriousFindings } from "./accessibility.ts";
import { connectChromium, newContext } from "./browser.ts";

const NAMES = ["north", "south", "west"];

let browser: Browser;
let nodes: TestServer[];
let page: Page;
const faults: string[] = [];
const clients: { end(): void }[] = [];

beforeAll(async () => {
  const database = await newDatabase();
  const start = (name: string) => startTestServer({ env: { BROADTAPE_DATABASE_URL: database, BROADTAPE_NODE: name } });
  nodes = [await start("north")];
  nodes.push(...(await Promise.all([start("south"), start("west")])));
  for (const node of nodes) await follow(node);
  browser = await connectChromium();
  page = await (await newContext(browser, { viewport: { width: 1600, height: 1000 } })).newPage();
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(`${nodeAt(0).url}/operations`);
  await page.getByLabel("Token").fill(await token({ sub: "olga", permissions: ["stream:admin"] }));
  await page.getByRole("button", { name: "Sign in" }).click();
});
afterAll(async () => {
  for (const each of clients) each.end();
  await browser.close();
  await Promise.all(nodes.map((node) => node.remove()));
});

function nodeAt(at: number): TestServer {
  return nodes[at] ?? expect.fail(`there is no node ${at}`);
}

async function follow(node: TestServer): Promise<void> {
  const own = nativeClients(() => node);
  clients.push(own);
  const client = await own.welcomed({ sub: "ann" });
  client.say({ type: "subscribe", id: 1, topics: ["transactions:me"] });
  await client.first("subscribed");
}

const panel = (name: string) => page.getByRole("region", { name: "Operations" }).getByRole("region", { name, exact: true });
const rowOf = (name: string) => panel("Nodes").locator(`tr[data-node="${name}"]`);
const nodesOfConnections = async () => {
  const cells = await panel("Connections").locator("tr[data-connection] td:nth-child(3)").allInnerTexts();
  return cells.sort();
};

it("shows all nodes at a glance, that their views agree, and on which of them each connection is", async () => {
  for (const name of NAMES) await rowOf(name).getByText("ready", { exact: true }).waitFor();
  await expect.poll(nodesOfConnections).toEqual(NAMES);
  await panel("Nodes")
    .getByText(/^views agree at offset [\d,]+$/)
    .waitFor();
  for (const name of NAMES) await rowOf(name).getByText("agree", { exact: true }).waitFor();
  await expect.poll(() => page.locator('[data-tile="Nodes"] b').innerText()).toBe("3 of 3");
  await expect.poll(() => page.locator('[data-tile="Connections"] b').innerText()).toBe("3");
});

it("shows one node alone when it is chosen, and all again", async () => {
  await rowOf("south").getByRole("button", { name: "south" }).click();
  await expect.poll(nodesOfConnections).toEqual(["south"]);
  await expect.poll(() => page.locator('[data-tile="Connections"] b').innerText()).toBe("1");
  expect(new URL(page.url()).searchParams.get("node")).not.toBeNull();
  await rowOf("west").getByText("ready", { exact: true }).waitFor();
  await panel("Nodes").getByRole("button", { name: "All nodes" }).click();
  await expect.poll(nodesOfConnections).toEqual(NAMES);
});

it("follows an event over all nodes", async () => {
  const createdAt = new Date().toISOString();
  const transaction = { id: "t-1", amount: "1", currency: "USD", type: "transfer", status: "PENDING", createdAt };
  const event = { type: "transaction.created", correlationid: "over-nodes", data: { userId: "ann", transaction } };
  const { status, text } = await publish(nodeAt(1).url, event);
  expect(status, text).toBe(200);
  await panel("Follow an event").getByLabel("Event id or correlation id").fill("over-nodes");
  await panel("Follow an event").getByRole("button", { name: "Follow", exact: true }).click();
  const deliveries = panel("Follow an event").locator("tr[data-delivery]");
  const told = async () => (await deliveries.locator("td:nth-child(3)").allInnerTexts()).sort();
  await expect.poll(told).toEqual(NAMES);
});

it("says which node went away, and has no serious findings of axe", async () => {
  await nodeAt(2).kill("SIGKILL");
  await rowOf("west")
    .getByText(/^gone since \d\d:\d\d:\d\d$/)
    .waitFor();
  await expect.poll(() => page.locator('[data-tile="Nodes"] span').innerText()).toBe("ready, 1 gone");
  await expect.poll(nodesOfConnections).toEqual(["north", "south"]);
  expect(await seriousFindings(page)).toEqual([]);
  const picture = process.env["BROADTAPE_TEST_PICTURE"];
  if (picture !== undefined) await page.screenshot({ path: picture });
  expect(faults).toEqual([]);
});
