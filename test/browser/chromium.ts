/** Debian's Chromium under Playwright. */
import { type Browser, type BrowserServer, chromium } from "playwright-core";
import { PATIENCE_MS } from "../until.ts";

/** Without these Chromium knocks at hosts that are none of ours. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const options = () => ({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: ARGUMENTS, timeout: PATIENCE_MS });

export function launchChromium(): Promise<Browser> {
  return chromium.launch(options());
}

/** One that several processes may use. */
export function serveChromium(): Promise<BrowserServer> {
  return chromium.launchServer({ ...options(), host: "127.0.0.1" });
}
