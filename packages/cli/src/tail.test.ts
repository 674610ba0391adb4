import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issueToken } from "@broadtape/server/access/issue";
import { runCommand, startProgram, urlOf } from "./testing.ts";

const directory = mkdtempSync(join(tmpdir(), "broadtape-cli-tail-"));
const secret = "0123456789abcdef0123456789abcdef";
let server: ChildProcess;
let url = "";
let env: Record<string, string>;

beforeAll(async () => {
  server = startProgram(["serve"], { PORT: "0", BROADTAPE_DATA_DIR: directory, BROADTAPE_JWT_SECRET: secret });
  url = await urlOf(server);
  const claims = { sub: "ann", tenantId: "public", permissions: ["events:publish"] };
  env = { BROADTAPE_URL: url, BROADTAPE_TOKEN: await issueToken({ kind: "secret", secret }, claims, 60_000) };
});
afterAll(async () => {
  server.kill("SIGTERM");
  await once(server, "exit");
  rmSync(directory, { recursive: true });
});

const quote = (price: number) =>
  JSON.stringify({ type: "market-data.best-price", data: { symbol: "EUR/USD", midPrice: price, timestamp: 1 } });
/** Runs `tail`; `publishes` as soon as it has printed that it follows. */
async function tailing(args: readonly string[], publishes: () => Promise<unknown>) {
  let follows = (): void => undefined;
  const following = new Promise<void>((resolve) => (follows = resolve));
  const tail = runCommand(["tail", ...args], { env, onOutput: (text) => /snapshot|subscribed/.test(text) && follows() });
  await Promise.race([following, tail]);
  await publishes();
  return tail;
}
const publish = (...prices: number[]) => runCommand(["publish", "-"], { env, stdin: prices.map(quote).join("\n") });

describe("broadtape tail", () => {
  it("prints the snapshot of a topic and then its events", async () => {
    expect((await publish(1.5)).code).toBe(0);
    const { code, stdout, stderr } = await tailing(["symbol:EUR/USD", "--count", "1"], () => publish(1.25));
    expect([code, stderr]).toEqual([0, ""]);
    const [snapshot, event] = stdout.trim().split("\n");
    expect(snapshot).toMatch(/ symbol:EUR\/USD snapshot \{.*1\.5/);
    expect(event).toMatch(/^\d{4}-.* symbol:EUR\/USD market-data\.best-price \{.*1\.25/);
  });

  it("prints the messages as they come with --json", async () => {
    const { stdout } = await tailing(["symbol:EUR/USD", "--json", "--count", "1"], () => publish(1.75));
    const types = stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toEqual(["welcome", "subscribed", "event"]);
  });

  it("ends with 3 without a token, and with 4 where a server does not take it", async () => {
    expect((await runCommand(["tail", "symbol:EUR/USD"], { env: { BROADTAPE_URL: url } })).code).toBe(3);
    const refused = await runCommand(["tail", "symbol:EUR/USD"], { env: { BROADTAPE_URL: url, BROADTAPE_TOKEN: "wr0ng" } });
    expect([refused.code, refused.stderr.includes("wr0ng")]).toEqual([4, false]);
    expect((await runCommand(["tail", "symbol:EUR/USD", "--url", "http://127.0.0.1:1"], { env })).code).toBe(4);
  });

  it("ends when it may follow none of the topics", async () => {
    const { code, stderr } = await runCommand(["tail", "orders:somebody-else"], { env });
    expect([2, 3]).toContain(code);
    expect(stderr).toContain("orders:somebody-else");
  });
});
