/** The API's document as a page: read and tried in a real Chromium, under the server's own content policy. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser } from "playwright-core";
import { type TestServer, startTestServer, token } from "../contract/server.ts";
import { connectChromium, newContext } from "./browser.ts";

let browser: Browser;
let server: TestServer;
beforeAll(async () => {
  browser = await connectChromium();
  server = await startTestServer();
});
afterAll(async () => {
  await browser.close();
  await server.remove();
});

it("shows every operation, tries one with a token, and loads nothing from elsewhere", async () => {
  const context = await newContext(browser);
  const page = await context.newPage();
  const faults: string[] = [];
  const foreign: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") faults.push(message.text());
  });
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== server.url) foreign.push(request.url());
  });
  await page.goto(`${server.url}/docs`);
  await page.locator("#operations-Publishing-postApiV1Events").waitFor();
  const { paths } = (await (await fetch(`${server.url}/api/v1/openapi.json`)).json()) as { paths: Record<string, object> };
  const expected = Object.values(paths).reduce((sum, methods) => sum + Object.keys(methods).length, 0);
  expect(await page.locator(".opblock").count()).toBe(expected);

  await page.getByRole("button", { name: "Authorize" }).first().click();
  await page.getByLabel("auth-bearer-value").fill(await token({ sub: "reader" }));
  await page.getByRole("button", { name: "Apply credentials" }).first().click();
  await page.locator(".close-modal").click();
  const list = page.locator("#operations-Subscriptions-getApiV1Subscriptions");
  await list.locator(".opblock-summary-control").click();
  await list.getByRole("button", { name: "Try it out" }).click();
  await list.getByRole("button", { name: "Execute" }).click();
  await list.locator(".live-responses-table .response-col_status", { hasText: "200" }).waitFor();
  expect(await list.locator(".live-responses-table").innerText()).toContain('"subscriptions": []');

  // The largest of all: every event type with its schema.
  await page.locator("#operations-Publishing-postApiV1Events .opblock-summary-control").click();
  await page.locator("#operations-Publishing-postApiV1Events .opblock-body").waitFor();
  expect({ faults, foreign }).toEqual({ faults: [], foreign: [] });
  await context.close();
});
