/** Trying things out in a real Chromium: events from forms, raw frames, and lines that do what they say when they are run. */
import { execFile, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TestServer, bestPrice, publish, startTestServer, token, until } from "../contract/server.ts";
import { seriousFindingsInBothThemes } from "./accessibility.ts";
import { connectChromium, newContext } from "./browser.ts";

let browser: Browser;
let server: TestServer;
let page: Page;
let bearer: string;
const faults: string[] = [];
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

beforeAll(async () => {
  browser = await connectChromium();
  server = await startTestServer();
  bearer = await token({ sub: "olga", permissions: ["events:publish", "stream:admin"] });
  const context = await newContext(browser, { viewport: { width: 1500, height: 1000 } });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  page = await context.newPage();
  page.on("pageerror", (error) => faults.push(String(error)));
  await signIn(bearer);
});
afterAll(async () => {
  await browser.close();
  await server.remove();
});

async function signIn(own: string): Promise<void> {
  await page.goto(`${server.url}/try`);
  await page.getByLabel("Token").fill(own);
  await page.getByRole("button", { name: "Sign in" }).click();
}

const publishing = () => page.getByRole("region", { name: "Publish" });
const field = (path: string) => publishing().locator(`[data-path="${path}"]`);
const answer = () => publishing().getByRole("status", { name: "Answer" });
const send = () => publishing().getByRole("button", { name: "Publish", exact: true }).click();
const subscribing = () => page.getByRole("region", { name: "Subscribe" });
const frames = () => subscribing().locator("[data-frame]");

async function choose(type: string): Promise<void> {
  await publishing().getByLabel("Event type").selectOption(type);
}

async function subscribe(topic: string): Promise<void> {
  await subscribing().getByLabel("Topic", { exact: true }).fill(topic);
  await subscribing().getByRole("button", { name: "Subscribe", exact: true }).click();
}

/** What stands in the log under a topic, as text. */
async function told(topic: string): Promise<string> {
  const response = await fetch(`${server.url}/api/v1/topics/${encodeURIComponent(topic)}/events`, {
    headers: { authorization: `Bearer ${bearer}` },
  });
  return response.text();
}

it("publishes an event from a form made of its type's schema, every digit as it was typed", async () => {
  await choose("transaction.created");
  await field("data.transaction.amount").getByRole("textbox").fill("50000.00");
  await field("data.transaction.description").getByRole("textbox").fill("from the form");
  await send();
  await expect.poll(() => answer().innerText()).toMatch(/^Stored at offset \d+, event EV-[0-9a-f]{16} · follow it$/);
  const stored = await told("transactions:me");
  for (const part of ['"50000.00"', '"from the form"', '"olga"']) expect(stored).toContain(part);
  expect(stored).not.toContain("counterpartyName");
});

it("shows at its field what the server refuses", async () => {
  await field("data.transaction.amount").getByRole("textbox").fill("much");
  await send();
  await answer().filter({ hasText: "Refused (422)" }).waitFor();
  const amount = field("data.transaction.amount").getByRole("textbox");
  expect(await amount.getAttribute("aria-invalid")).toBe("true");
  expect(await field("data.transaction.amount").innerText()).toContain("must be a decimal");
});

it("builds nested objects, lists, choices and flags", async () => {
  await choose("rfq.created");
  await field("data.side").getByRole("combobox").selectOption("two-way");
  await field("data.rfqId").getByRole("textbox").fill("tried");
  await send();
  await answer().filter({ hasText: "Stored" }).waitFor();
  await choose("quotes.ranked");
  await field("data.rfqId").getByRole("textbox").fill("tried");
  await publishing().getByRole("button", { name: "+ rankings" }).click();
  await field("data.rankings.1.ranking").getByRole("textbox").fill("2");
  await field("data.rankings.1.isBestBid").getByRole("combobox").selectOption("true");
  await publishing().getByRole("button", { name: "JSON" }).click();
  const event = JSON.parse(await publishing().getByLabel("Event as JSON").inputValue()) as { data: { rankings: object[] } };
  expect(event.data.rankings).toMatchObject([
    { ranking: 1, isBestBid: false },
    { ranking: 2, isBestBid: true },
  ]);
});

it("takes JSON as it is written, and brings it back into the form", async () => {
  const json = publishing().getByLabel("Event as JSON");
  await json.fill(bestPrice("EURUSD", "1.10", "1.1050"));
  await send();
  await answer().filter({ hasText: "Stored" }).waitFor();
  expect(await told("symbol:EURUSD")).toContain("1.10");
  await publishing().getByRole("button", { name: "Form" }).click();
  expect(await field("data.bestBid.price").getByRole("textbox").inputValue()).toBe("1.10");
  expect(await publishing().getByLabel("Event type").inputValue()).toBe("market-data.best-price");
});

it("shows raw frames of any topic, and stands still while it is paused", async () => {
  await subscribe("symbol:EURUSD");
  await page.getByRole("status", { name: "Connection" }).filter({ hasText: "live" }).waitFor();
  await frames().filter({ hasText: '"type":"subscribed"' }).waitFor();
  expect(await frames().first().innerText()).toContain('{"type":"authenticate","token":"•••"}');
  const price = (bid: string) => publish(server.url, bestPrice("EURUSD", bid, "2"), { bearer });
  await price("1.20");
  const frame = frames().filter({ hasText: '"price":1.20,' });
  await frame.waitFor();
  await frame.click();
  await subscribing().getByRole("group", { name: "Frame", exact: true }).getByText('"price": 1.20,').waitFor();

  await subscribing().getByRole("button", { name: "Pause" }).click();
  await price("1.30");
  await subscribing()
    .getByText(/paused, [1-9]\d* since/)
    .waitFor();
  expect(await frames().filter({ hasText: '"price":1.30,' }).count()).toBe(0);
  await subscribing().getByRole("button", { name: "Go on" }).click();
  await frames().filter({ hasText: '"price":1.30,' }).waitFor();
  await subscribing().getByRole("button", { name: "Clear" }).click();
  await expect.poll(() => frames().filter({ hasText: '"price":' }).count()).toBe(0);
});

it("says why a topic is refused, and follows others on the same connection", async () => {
  await subscribe("wallets:somebody-else");
  await subscribing().locator('[data-topic="wallets:somebody-else"]').getByRole("alert").waitFor();
  await subscribe("transactions:me");
  await subscribing().locator('[data-topic="transactions:me"][data-refused="false"]').waitFor();
  for (const topic of ["wallets:somebody-else", "transactions:me"])
    await subscribing()
      .getByRole("button", { name: `Unsubscribe ${topic}` })
      .click();
  await frames().filter({ hasText: '"type":"unsubscribed"' }).first().waitFor();
});

/** What the buttons copy: the line that sets the token, and the line itself, of the panel and in the language. */
async function copied(panel: ReturnType<typeof publishing>, language: string): Promise<string> {
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await panel.getByRole("button", { name: "Copy token" }).click();
  await panel.getByText("Token line copied").waitFor();
  const tokenLine = await clipboard();
  await panel.getByRole("button", { name: language, exact: true }).click();
  await panel.getByRole("button", { name: "Copy", exact: true }).click();
  await panel.getByText(`${language} copied`).waitFor();
  const line = await clipboard();
  const program = `node --conditions=@broadtape/source --input-type=module-typescript --eval '${line.replaceAll("'", `'\\''`)}'`;
  return `${tokenLine}\n${language === "TypeScript" ? program : line}`;
}

it.each(["curl", "TypeScript", "CLI"])("copies a line that publishes the same: %s", async (language) => {
  await choose("transaction.created");
  await field("data.userId").getByRole("textbox").fill("olga");
  const description = `it's $HOME "by" ${language}`;
  await field("data.transaction.description").getByRole("textbox").fill(description);
  await field("data.transaction.amount").getByRole("textbox").fill("1.10");
  const { stdout } = await promisify(execFile)("bash", ["-ec", await copied(publishing(), language)], { cwd: ROOT });
  const history = JSON.parse(await told("transactions:me")) as { events: { data: object }[] };
  expect(JSON.stringify(history.events.at(-1)?.data), stdout).toContain(JSON.stringify(description));
});

it.each(["curl", "TypeScript", "CLI"])("copies a line that follows the same topics: %s", async (language) => {
  const child = spawn("bash", ["-ec", await copied(subscribing(), language)], { cwd: ROOT, detached: true });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => (output += bytes.toString()));
  try {
    // The state first, then what is published next.
    await until(
      () => output.includes("EURUSD"),
      () => output,
    );
    const before = output.length;
    await publish(server.url, bestPrice("EURUSD", "1.50", "2"), { bearer });
    await until(
      () => output.slice(before).includes("1.5"),
      () => output,
    );
  } finally {
    process.kill(-(child.pid ?? 0), "SIGKILL");
  }
});

it("has no serious findings of axe, in the dark and in the light, and no fault on the page", async () => {
  expect(await seriousFindingsInBothThemes(page)).toEqual([]);
  expect(faults).toEqual([]);
});

it("tells who may not publish before and after the server does", async () => {
  await signIn(await token({ sub: "ada" }));
  await publishing().getByRole("note").filter({ hasText: "needs the permission events:publish" }).waitFor();
  await send();
  await answer().filter({ hasText: "Refused (403): publishing needs the permission events:publish" }).waitFor();
});
