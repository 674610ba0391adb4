/** What the demo may: publish for everybody, and read the RFQs of its traders' tenants. */
import { fileURLToPath } from "node:url";
import { issueToken } from "@broadtape/server/access/issue";
import type { Config } from "@broadtape/server/config";
import type { DemoOptions } from "./demo.ts";

/** It is in the source tree alone. */
export const DEMO_ENTRY = fileURLToPath(new URL("../../../apps/demo/src/main.ts", import.meta.url));
const TOKEN_MS = 365 * 86_400_000;

export async function demoTokens(
  config: Pick<Config, "keys" | "publicTenant" | "issuer" | "audience">,
): Promise<Pick<DemoOptions, "token" | "deskTokens">> {
  const publisher = { sub: "demo", tenantId: config.publicTenant, permissions: ["events:publish", "events:publish:any"] };
  const token = await issueToken(config.keys, publisher, TOKEN_MS, config);
  const { DEMO_USERS } = await import("@broadtape/server");
  const deskTokens: Record<string, string> = {};
  for (const tenantId of new Set(DEMO_USERS.map((user) => user.tenantId))) {
    const reader = { sub: "demo-desk", tenantId, permissions: ["rfq:read:tenant"] };
    deskTokens[tenantId] = await issueToken(config.keys, reader, TOKEN_MS, config);
  }
  return { token, deskTokens };
}
