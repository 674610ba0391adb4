/** One Chromium for all tests of a run: the set-up of a vitest project. */
import type { TestProject } from "vitest/node";
import { serveChromium } from "./chromium.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Where it listens. */
    chromium: string;
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const server = await serveChromium();
  provide("chromium", server.wsEndpoint());
  return () => server.close();
}
