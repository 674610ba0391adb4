import { type ChildProcess, execFile, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { type Environment, plain, startProgram, urlOf } from "./testing.ts";

const root = mkdtempSync(join(tmpdir(), "broadtape-cli-serve-"));
const launcher = fileURLToPath(new URL("../bin/broadtape.js", import.meta.url));
const running = new Set<ChildProcess>();
let directories = 0;

afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

const SECRET = "0123456789abcdef0123456789abcdef";
const newSettings = () => ({
  PORT: "0",
  BROADTAPE_DATA_DIR: join(root, String(++directories)),
  BROADTAPE_JWT_SECRET: SECRET,
});

function start(args: readonly string[], env: Environment, program?: readonly string[], options?: SpawnOptions): ChildProcess {
  const child = startProgram(args, env, program, options);
  running.add(child);
  return child;
}

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = "";
  for await (const chunk of stream ?? []) text += String(chunk);
  return text;
}

const isAnswering = async (url: string) =>
  fetch(new URL("/healthz", url)).then(
    ({ ok }) => ok,
    () => false,
  );

describe("broadtape serve", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("serves until %s, then exits with 0", async (signal) => {
    const child = start(["serve"], newSettings());
    const url = await urlOf(child);
    expect(await isAnswering(url)).toBe(true);
    child.kill(signal);
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(await isAnswering(url)).toBe(false);
  });

  it("says all that is wrong with the configuration and exits with 1", async () => {
    const child = start(["serve", "--port", "x"], { BROADTAPE_SYMBOL: "A" });
    const [stderr, [code]] = await Promise.all([textOf(child.stderr), once(child, "exit")]);
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toHaveLength(3);
    expect(stderr).toContain("PORT (--port): must be a port");
  });

  it("says that its port is in use and exits with 1", async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const child = start(["serve"], { ...newSettings(), PORT: String((server.address() as AddressInfo).port) });
    const [stderr, [code]] = await Promise.all([textOf(child.stderr), once(child, "exit")]);
    server.close();
    expect(code).toBe(1);
    expect(stderr).toContain("EADDRINUSE");
  });
});

describe("bin/broadtape.js", () => {
  const args = ["token", "--sub", "ann", "--tenant", "acme"];
  const run = promisify(execFile);

  it("runs without a build", async () => {
    const { stdout } = await run(process.execPath, [launcher, ...args], { env: { ...plain, ...newSettings() } });
    expect(stdout).toMatch(/^eyJ\S+\n$/);
  });

  it("gives back the exit code", async () => {
    await expect(run(process.execPath, [launcher, "token"], { env: { ...plain } })).rejects.toMatchObject({ code: 1 });
  });

  // The host's own Node, where it is older than the pinned one.
  const host = ["/usr/local/bin/node", "/usr/bin/node"].find(existsSync);

  if (host !== undefined)
    it("runs on the host's Node through the pinned one, and ends with it", async () => {
      const { stdout } = await run(host, [launcher, ...args], { env: { ...plain, ...newSettings() } });
      expect(stdout).toMatch(/^eyJ\S+\n$/);
      const child = start(["serve"], newSettings(), [host, launcher]);
      const url = await urlOf(child);
      child.kill("SIGTERM");
      expect(await once(child, "exit")).toEqual([0, null]);
      expect(await isAnswering(url)).toBe(false);
    });

  if (host !== undefined)
    it("takes a signal to the whole group, which both get, for one", async () => {
      const child = start(["serve"], newSettings(), [host, launcher], { detached: true });
      await urlOf(child);
      process.kill(-(child.pid ?? 0), "SIGTERM");
      expect(await once(child, "exit")).toEqual([0, null]);
    });

  if (host !== undefined)
    it("does not leave the server behind when it is killed", async () => {
      const child = start(["serve"], newSettings(), [host, launcher]);
      const url = await urlOf(child);
      child.kill("SIGKILL");
      await expect.poll(async () => isAnswering(url)).toBe(false);
    });
});
