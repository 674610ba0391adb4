/** Broadtape whole: validated, durable (fsync), folded, routed, delivered. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { SignJWT } from "jose";
import { readConfig, startServer } from "@broadtape/server";
import { serve } from "../control.ts";
import { feedProduct } from "./feed-product.ts";
import { TOPICS, priceOf, symbolOf, transactionOf } from "../message.ts";

const secret = "a secret of the benchmark, 32 bytes or more";
/** Given, it is kept: for starts on what is there. */
const given = process.env["BENCH_DIRECTORY"];
const directory = given ?? mkdtempSync(join(tmpdir(), "broadtape-bench-"));
if (given === undefined) process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
const config = readConfig({
  PORT: "0",
  BROADTAPE_DATA_DIR: directory,
  BROADTAPE_JWT_SECRET: secret,
  BROADTAPE_SYMBOLS: Array.from({ length: TOPICS }, (_, index) => symbolOf(index)).join(","),
  BROADTAPE_LIMIT_CONNECTIONS_PER_USER: "100000",
  BROADTAPE_LIMIT_SSE_ATTEMPTS_PER_MINUTE: "1000000",
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith("BROADTAPE_LIMIT_"))),
  // Not under the server's own names: a benchmark must not run on whatever the shell is set up for.
  ...(process.env["BENCH_DATABASE_URL"] !== undefined && { BROADTAPE_DATABASE_URL: process.env["BENCH_DATABASE_URL"] }),
  ...(process.env["BENCH_NATS_URL"] !== undefined && { BROADTAPE_NATS_URL: process.env["BENCH_NATS_URL"] }),
  ...(process.env["BENCH_RETENTION"] !== undefined && { BROADTAPE_RETENTION: process.env["BENCH_RETENTION"] }),
});
const server = await startServer(config, { logger: pino({ level: "error" }), products: [feedProduct] });
const tokenOf = (userId: string) =>
  new SignJWT({ tenantId: "bench" })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(userId)
    .setExpirationTime("2h")
    .sign(new TextEncoder().encode(secret));
const token = await tokenOf("bench");
const publisher = { userId: "bench", tenant: "bench", anyTenant: false, correlationId: "bench" };
const type = process.env["BENCH_EVENT"] ?? "market-data.best-price";
/** Of transactions each is another user's. */
const isOfUser = type.startsWith("transaction.");
const tokens = isOfUser ? await Promise.all(Array.from({ length: TOPICS }, (_, index) => tokenOf(symbolOf(index)))) : undefined;
const eventOf = (index: number) => ({ type, data: isOfUser ? transactionOf(symbolOf(index)) : priceOf(symbolOf(index)) });

/** An RFQ that counts down for an hour; the seconds of many end at different moments. */
function rfqOf(index: number): object[] {
  const rfqId = symbolOf(index);
  const expiresAt = Date.now() + 3_600_000 + ((index * 7) % 1000);
  return [
    { type: "rfq.created", data: { rfqId, traderId: "bench", symbol: "EUR/USD", side: "buy", quantity: 1, expiresAt } },
    { type: "rfq.distributed", data: { rfqId, lpCount: 4 } },
  ];
}
const filling = type === "rfq" ? rfqOf : (index: number) => [eventOf(index)];
let inFlight = 0;

/** A database that takes no more for now: whoever counts what arrived misses the event. */
function refused(error: unknown): void {
  if (!(error instanceof Error) || error.name !== "LogUnavailable") throw error;
  console.error(error.message);
}

/** Publishes batches of 100, so many at once. */
async function fill(events: number, topics: number): Promise<string> {
  const cursor = server.engine.cursorAt(server.engine.routedTo);
  let next = 0;
  const worker = async () => {
    while (next < events) {
      const first = next;
      next += 100;
      await server.publish(
        Array.from({ length: Math.min(100, events - first) }, (_, index) => filling((first + index) % topics)).flat(),
        publisher,
      );
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  return cursor;
}

serve(
  { port: Number(new URL(server.url).port), token, ...(tokens !== undefined && { tokens }) },
  {
    publish: (index) => {
      inFlight += 1;
      void server
        .publish([eventOf(index)], publisher)
        .catch(refused)
        .finally(() => (inFlight -= 1));
    },
    mayPublish: () => inFlight < 20_000,
    fill,
  },
);
