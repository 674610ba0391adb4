/** Broadtape whole: validated, durable (fsync), folded, routed, delivered. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { SignJWT } from "jose";
import { readConfig, startServer } from "@broadtape/server";
import { serve } from "../control.ts";
import { TOPICS, priceOf, symbolOf } from "../message.ts";

const secret = "a secret of the benchmark, 32 bytes or more";
const directory = mkdtempSync(join(tmpdir(), "broadtape-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
const config = readConfig({
  PORT: "0",
  BROADTAPE_DATA_DIR: directory,
  BROADTAPE_JWT_SECRET: secret,
  BROADTAPE_SYMBOLS: Array.from({ length: TOPICS }, (_, index) => symbolOf(index)).join(","),
  BROADTAPE_LIMIT_CONNECTIONS_PER_USER: "100000",
  BROADTAPE_LIMIT_SSE_ATTEMPTS_PER_MINUTE: "1000000",
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith("BROADTAPE_LIMIT_"))),
});
const server = await startServer(config, { logger: pino({ level: "error" }) });
const token = await new SignJWT({ tenantId: "bench" })
  .setProtectedHeader({ alg: "HS256" })
  .setSubject("bench")
  .setExpirationTime("2h")
  .sign(new TextEncoder().encode(secret));
let inFlight = 0;
const publisher = { userId: "bench", tenant: "bench", anyTenant: false, correlationId: "bench" };
serve(
  { port: Number(new URL(server.url).port), token },
  (index) => {
    inFlight += 1;
    void server.publish([{ type: "market-data.best-price", data: priceOf(symbolOf(index)) }], publisher).finally(() => (inFlight -= 1));
  },
  () => inFlight < 20_000,
);
