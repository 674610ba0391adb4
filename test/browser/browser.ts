/** A browser of a test's own, as far as it can tell: the Chromium that all tests of a run share. */
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from "playwright-core";
import { inject } from "vitest";
import { PATIENCE_MS } from "../until.ts";

/** Its end is that of everything opened on it. */
export function connectChromium(): Promise<Browser> {
  return chromium.connect(inject("chromium"), { timeout: PATIENCE_MS });
}

/** Has cookies and storage of its own; whatever its pages are waited for has time to come. */
export async function newContext(browser: Browser, options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE_MS);
  return context;
}
