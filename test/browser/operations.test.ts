/** The operator's console in a real Chromium: the node and its last hour, who is connected, the log, and an event's whole way. */
import { randomUUID } from "node:crypto";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Client, nativeClients } from "../contract/native-client.ts";
import { type TestServer, publish, publisherToken, startTestServer, token } from "../contract/server.ts";
import { seriousFindingsInBothThemes } from "./accessibility.ts";
import { connectChromium, newContext } from "./browser.ts";

const TENANT = "bank";

let browser: Browser;
let server: TestServer;
let page: Page;
const faults: string[] = [];
const clients = nativeClients(() => server);

beforeAll(async () => {
  browser = await connectChromium();
  server = await startTestServer();
  page = await (await newContext(browser, { viewport: { width: 1600, height: 1000 } })).newPage();
  page.on("pageerror", (error) => faults.push(String(error)));
  await follow("vic", "transactions:me", "served");
  await transaction("vic", "1", randomUUID());
  await signIn("operations", await token({ sub: "olga", tenantId: TENANT, permissions: ["stream:admin"] }));
  await isLive();
});
afterAll(async () => {
  clients.end();
  await browser.close();
  await server.remove();
});

const connection = () => page.getByRole("status", { name: "Connection" });
const isLive = () =>
  connection()
    .filter({ hasText: /^live$/ })
    .waitFor();
const panel = (name: string) => page.getByRole("region", { name: "Operations" }).getByRole("region", { name, exact: true });

async function signIn(part: string, bearer: string): Promise<void> {
  await page.goto(`${server.url}/${part}`);
  await page.getByLabel("Token").fill(bearer);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** A stock client on the native protocol, following the topic; resolves when it is told so. */
async function follow(sub: string, topic: string, clientId: string): Promise<Client> {
  const client = await clients.welcomed({ sub, tenantId: TENANT }, `?clientId=${clientId}`);
  client.say({ type: "subscribe", id: 1, topics: [topic] });
  await client.first("subscribed");
  return client;
}

async function transaction(userId: string, amount: string, correlationid: string) {
  const createdAt = new Date().toISOString();
  const data = { userId, transaction: { id: randomUUID(), amount, currency: "USD", type: "transfer", status: "PENDING", createdAt } };
  const { status, text, body } = await publish(
    server.url,
    { type: "transaction.created", correlationid, data },
    { bearer: await publisherToken(TENANT) },
  );
  expect(status, text).toBe(200);
  return body.results[0]!;
}

it("shows the node at a glance, and charts of its last hour", async () => {
  const tile = (label: string) => page.locator(`[data-tile="${label}"] b`);
  await expect.poll(() => tile("Node").innerText()).toBe("ready");
  await expect.poll(async () => Number(await tile("Connections").innerText())).toBeGreaterThan(0);
  for (const name of ["Messages a second", "Publish to write", "Connections", "Load"])
    await page.getByRole("img", { name: new RegExp(`^${name}, last hour: [a-z0-9 ]+ [\\d.,]+`) }).waitFor();
  await expect.poll(() => panel("Publish-to-write latency").locator("[data-latency=p99]").innerText()).toMatch(/^[\d.]+ m?s$/);
  await expect.poll(() => panel("Log").locator('[data-fact="Retention"]').innerText()).toBe("7 d, 10.0 GiB");
});

it("lists who is connected, and closes a connection for good", async () => {
  const { closed } = await follow("zoe", "wallets:me", "closed");
  const row = panel("Connections").locator("tr", { hasText: "zoe" });
  await row.getByText("native").waitFor();
  await row.getByRole("button", { name: "Close connection of zoe on native" }).click();
  await closed;
  await row.waitFor({ state: "detached" });
});

it("lists topics by how much is told on them", async () => {
  await follow("yan", "transactions:me", "topics");
  await transaction("yan", "1", randomUUID());
  const row = panel("Topics by rate").locator('tr[data-topic="transactions:yan"]');
  await expect.poll(() => row.locator("td").allInnerTexts()).toEqual(["transactions:yan", "1", "1", expect.stringMatching(/^[\d.]+$/)]);
});

it("lists refused publishes with their reason", async () => {
  await publish(server.url, { type: "no.such.type", data: {} }, { bearer: await publisherToken(TENANT) });
  const row = panel("Refused publishes").locator("tr[data-refusal]", { hasText: "no.such.type" });
  await row.getByText("422").waitFor();
  await row.getByText("is not a type of the catalogue").waitFor();
});

it("tails the log, narrowed by the server, with every digit as it was published", async () => {
  const rows = panel("Log tail").locator("tr[data-event]");
  await expect.poll(() => rows.count()).toBeGreaterThan(1);
  const correlation = randomUUID();
  await transaction("xia", "1.10", correlation);
  await panel("Log tail").getByLabel("Correlation id").fill(correlation);
  await panel("Log tail").getByRole("button", { name: "Filter" }).click();
  await expect.poll(() => rows.count()).toBe(1);
  await transaction("xia", "50000.00", correlation);
  await expect.poll(() => rows.count()).toBe(2);
  expect(await rows.first().innerText()).toContain('"amount":"50000.00"');
  await panel("Log tail").getByRole("button", { name: "Clear" }).click();
  await expect.poll(() => rows.count()).toBeGreaterThan(2);
});

it("follows an event by its id, and all with a correlation id: when stored, to whom delivered, acknowledged when", async () => {
  const client = await follow("wim", "transactions:me", "whole-way");
  const correlation = randomUUID();
  const { eventId, offset } = await transaction("wim", "2", correlation);
  const way = panel("Follow an event");
  const ask = async (id: string) => {
    await way.getByLabel("Event id or correlation id").fill(id);
    await way.getByRole("button", { name: "Follow", exact: true }).click();
  };
  await ask(eventId);
  await way.getByText(`at offset ${offset}`).waitFor();
  const delivery = way.locator("tr[data-delivery]", { hasText: "wim" });
  const cells = () => delivery.locator("td").allInnerTexts();
  await expect.poll(cells).toEqual(["wim", "native", "lossless", expect.stringMatching(/m?s$/), "–"]);
  client.say({ type: "ack", upTo: (await client.first("event"))["eventId"] });
  await expect.poll(async () => (await cells()).at(-1)).toMatch(/m?s$/);

  await transaction("wim", "3", correlation);
  await ask(correlation);
  await expect.poll(() => way.locator("article[data-way]").count()).toBe(2);
  expect(new URL(page.url()).searchParams.get("event")).toBe(correlation);
});

it("says since when it is stale while the server is away, and goes on when it is back", async () => {
  expect(await server.kill("SIGTERM")).toBe(0);
  await connection()
    .filter({ hasText: /^stale since \d\d:\d\d:\d\d$/ })
    .waitFor();
  for (const name of ["Connections", "Log tail", "Log"])
    await panel(name)
      .locator('[data-field="freshness"][data-state="stale"]')
      .filter({ hasText: /^stale since/ })
      .first()
      .waitFor();
  server = await server.restart();
  await isLive();
});

it("has no serious findings of axe, in the dark and in the light, and no fault on the page", async () => {
  await panel("Log tail").locator("tr[data-event]").first().waitFor();
  expect(await seriousFindingsInBothThemes(page)).toEqual([]);
  expect(faults).toEqual([]);
});

it("is refused to whoever is no operator, and asks the server for nothing then", async () => {
  const asked: string[] = [];
  // The page of the test before still asks.
  await page.goto("about:blank");
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await signIn("operations", await token({ sub: "Ada", tenantId: TENANT }));
  await page.getByRole("alert").filter({ hasText: "needs the permission stream:admin, which Ada does not have" }).waitFor();
  expect(asked.filter((path) => path.startsWith("/api/v1/"))).toEqual([]);
});

it("is not loaded with the desk", async () => {
  const loaded: string[] = [];
  page.on("request", (request) => loaded.push(new URL(request.url()).pathname));
  await signIn("", await token({ sub: "Ada", tenantId: TENANT }));
  await connection().waitFor();
  expect(loaded.filter((path) => /operations-page|try-page/.test(path))).toEqual([]);
});
