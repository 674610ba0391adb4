/** A disk that is full refuses appends and harms nothing; when it has room again, appends go on. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { openSqliteLog } from "../../packages/server/src/log/sqlite/sqlite-log.ts";

const FIXTURE = fileURLToPath(new URL("./fixture-full-disk.ts", import.meta.url));

const root = mkdtempSync(join(process.env["TEST_DISK"] ?? tmpdir(), "broadtape-full-"));
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** Files of this process cannot grow beyond so many bytes. */
function limitFiles(pid: number, bytes: number | "unlimited"): void {
  execFileSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:unlimited`]);
}

it("rejects appends with LogUnavailable while the disk is full, and loses none that it took", async () => {
  const directory = join(root, "log");
  const child = spawn(process.execPath, ["--conditions=@broadtape/source", FIXTURE, directory], { stdio: ["ignore", "pipe", "inherit"] });
  const { pid } = child;
  if (pid === undefined) throw new Error("the process did not start");
  let lines: string[] = [];
  let rest = "";
  const waiting: { kind: string; left: number; resolve: () => void }[] = [];
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    lines = [...lines, ...parts];
    for (const line of parts) {
      for (const one of waiting) if (line.startsWith(one.kind) && --one.left === 0) one.resolve();
    }
  });
  const next = (kind: string, count: number) => new Promise<void>((resolve) => waiting.push({ kind, left: count, resolve }));
  try {
    await next("ok", 50);
    for (let outage = 0; outage < 3; outage++) {
      const full = next("unavailable", 10);
      limitFiles(pid, statSync(join(directory, "log.db-wal")).size + 10_000);
      await full;
      const again = next("ok", 50);
      limitFiles(pid, "unlimited");
      await again;
    }
  } finally {
    child.kill("SIGKILL");
    await new Promise((resolve) => child.on("close", resolve));
  }
  expect(lines.filter((line) => line.startsWith("wrong"))).toEqual([]);
  // One word for each outage, and none for each append in it.
  const faults = lines.filter((line) => line.startsWith("fault"));
  expect(faults.length).toBeGreaterThanOrEqual(3);
  expect(faults.length).toBeLessThan(10);

  const log = await openSqliteLog(directory, {
    retention: { maxAgeMs: Infinity, maxBytes: Infinity },
    dedupeWindowMs: Infinity,
    now: () => Date.now(),
    maxWaitingEvents: 1000,
  });
  const { events } = await log.read({ after: 0, limit: 1_000_000, tenant: "acme", topics: ["all"] });
  await log.close();
  const taken = lines.filter((line) => line.startsWith("ok")).map((line) => line.slice(3));
  const kept = events.map(({ offset, id }) => `${offset} ${id}`);
  expect(kept.slice(0, taken.length)).toEqual(taken);
  expect(kept.length - taken.length).toBeLessThanOrEqual(1);
});
