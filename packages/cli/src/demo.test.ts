import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type DemoOptions, runDemo } from "./demo.ts";

const directory = mkdtempSync(join(tmpdir(), "broadtape-cli-demo-"));
afterAll(() => {
  rmSync(directory, { recursive: true });
});
let files = 0;

interface Start {
  pid: number;
  env: Record<string, string>;
}

/** A demo that writes down each of its starts, then does this. */
function demo(then: string): { options: DemoOptions; starts: () => Start[]; told: string[] } {
  const journal = join(directory, `journal-${++files}`);
  const entry = join(directory, `demo-${files}.mjs`);
  writeFileSync(
    entry,
    `import { appendFileSync } from "node:fs";
     const { BROADTAPE_URL, BROADTAPE_TOKEN, BROADTAPE_DESK_TOKENS, DEMO_SPEED, BROADTAPE_JWT_SECRET, OTHER } = process.env;
     const env = { BROADTAPE_URL, BROADTAPE_TOKEN, BROADTAPE_DESK_TOKENS, DEMO_SPEED, BROADTAPE_JWT_SECRET, OTHER };
     appendFileSync(${JSON.stringify(journal)}, JSON.stringify({ pid: process.pid, env }) + "\\n");
     ${then}`,
  );
  const told: string[] = [];
  const env = { PATH: process.env["PATH"], BROADTAPE_JWT_SECRET: "s3cret", OTHER: "kept" };
  const options = {
    entry,
    url: "http://127.0.0.1:1",
    token: "t",
    deskTokens: { bank: "b", fund: "f" },
    speed: "5",
    env,
    tell: (line: string) => told.push(line),
  };
  const starts = () =>
    existsSync(journal)
      ? readFileSync(journal, "utf8")
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as Start)
      : [];
  return { options, starts, told };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const FOREVER = "setInterval(() => {}, 1000);";

describe("the demo", () => {
  it("gets server, tokens and speed, but not the server's secrets", async () => {
    const { options, starts } = demo(FOREVER);
    const running = runDemo(options);
    await expect.poll(() => starts().length).toBe(1);
    expect(starts()[0]?.env).toEqual({
      BROADTAPE_URL: "http://127.0.0.1:1",
      BROADTAPE_TOKEN: "t",
      BROADTAPE_DESK_TOKENS: '{"bank":"b","fund":"f"}',
      DEMO_SPEED: "5",
      OTHER: "kept",
    });
    await running.stop();
    expect(isAlive(starts()[0]?.pid ?? 0)).toBe(false);
  });

  it("is started again when it dies, and that is told", async () => {
    const { options, starts, told } = demo("process.exit(7);");
    const running = runDemo(options);
    await expect.poll(() => starts().length).toBeGreaterThanOrEqual(2);
    await running.stop();
    expect(told[0]).toMatch(/code 7; again in 500 ms/);
  });

  it("is not started again when it has ended by itself or was stopped", async () => {
    const { options, starts, told } = demo("");
    const running = runDemo(options);
    await expect.poll(() => starts().length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 800));
    await running.stop();
    expect([starts().length, told]).toEqual([1, []]);
  });

  it("tells where its desk listens, and when it no longer does; other messages are nothing", async () => {
    const { options, starts } = demo(`process.send("hello"); process.send({ desk: { port: "1", secret: "s" } });
      process.send({ desk: { port: 4711, secret: "s3" } }); ${FOREVER}`);
    const desks: unknown[] = [];
    const running = runDemo({ ...options, onDesk: (desk) => desks.push(desk) });
    await expect.poll(() => desks).toEqual([{ url: "http://127.0.0.1:4711", secret: "s3" }]);
    process.kill(starts()[0]?.pid ?? 0, "SIGKILL");
    await expect.poll(() => desks.slice(1, 3)).toEqual([undefined, { url: "http://127.0.0.1:4711", secret: "s3" }]);
    await running.stop();
    expect(desks.at(-1)).toBeUndefined();
  });

  it("is stopped even if it does not want to", async () => {
    const { options, starts } = demo(`process.on("SIGTERM", () => {}); ${FOREVER}`);
    const running = runDemo(options);
    await expect.poll(() => starts().length).toBe(1);
    await running.stop();
    expect(isAlive(starts()[0]?.pid ?? 0)).toBe(false);
  });

  it("ends with a server that is killed", async () => {
    const { options, starts } = demo(FOREVER);
    const script = `import { runDemo } from ${JSON.stringify(new URL("./demo.ts", import.meta.url).href)};
      runDemo({ ...JSON.parse(process.argv[1]), tell: () => {} });`;
    const server = spawn(process.execPath, ["--input-type=module", "--eval", script, JSON.stringify(options)]);
    await expect.poll(() => starts().length).toBe(1);
    server.kill("SIGKILL");
    await expect.poll(() => isAlive(starts()[0]?.pid ?? 0)).toBe(false);
  });
});
