/** One nats-server for all clusters of a run: the set-up of a vitest project. Each of them has subjects of its own. */
import type { TestProject } from "vitest/node";
import { startNats } from "./nats.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Its URL. */
    nats: string;
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const nats = await startNats();
  provide("nats", nats.url);
  return () => nats.remove();
}
