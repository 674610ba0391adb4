/** What the pages tell people to run, run: with another port and other folders, and nothing else changed. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, expect, it } from "vitest";
import { freePort, until } from "../contract/server.ts";
import { codeOf, pageOf } from "./pages.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "broadtape-docs-"));
const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0)) await stop();
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const plain = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "" };

/** Runs a server's command until the end of the test; resolves when it is ready. */
async function start(command: string, env: Readonly<Record<string, string>>): Promise<string> {
  const port = await freePort();
  const child = spawn("bash", ["-ec", command], { cwd: root, env: { ...plain, ...env, PORT: String(port) }, detached: true });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
  running.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    process.kill(-(child.pid ?? 0), "SIGTERM");
    await exit;
  });
  const url = `http://localhost:${port}`;
  await until(
    () =>
      fetch(`${url}/readyz`).then(
        (response) => response.ok,
        () => false,
      ),
    () => output,
  );
  return url;
}

/** 28: a command was given a time and had it, as `curl --max-time` on a stream. */
const TIME_IS_UP = 28;

async function run(script: string, env: Readonly<Record<string, string>>): Promise<{ readonly stdout: string }> {
  try {
    return await promisify(execFile)("bash", ["-c", script], { cwd: root, env: { ...plain, ...env } });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === TIME_IS_UP && "stdout" in error)
      return { stdout: String(error.stdout) };
    throw error;
  }
}

const [startCommand, testCommand, , firstEvent, priceStream] = codeOf(pageOf("README.md"), "sh");

it("README: starts, and publishes the first event", async () => {
  const data = join(folder, "demo");
  const url = await start(startCommand ?? "", { BROADTAPE_DATA_DIR: data });
  expect(await (await fetch(url)).text()).toContain("<title>Broadtape");
  const { stdout } = await run((firstEvent ?? "").replaceAll("localhost:3000", new URL(url).host), {
    BROADTAPE_DATA_DIR: data,
    BROADTAPE_URL: url,
  });
  expect(stdout).toMatch(/"accepted":1/);
  expect(stdout).toMatch(/event: price\ndata: \{"symbol":"ACME","bestBid":\{"price":99\.50,/);
  const prices = await run((priceStream ?? "").replaceAll("localhost:3000", new URL(url).host), {});
  expect(prices.stdout).toMatch(/^event: connected\n[\s\S]*event: price:update\ndata: \{"symbol":"EURUSD"/);
});

it("README: the test command is what the CI runs", () => {
  expect(testCommand).toBe("npm test\n");
  expect(pageOf(".ci/run")).toContain(`exec ${testCommand ?? ""}`);
});

it("operating: starts with a secret of a file, and the checks say that all is well", async () => {
  const [serve = ""] = codeOf(pageOf("docs/operating.md"), "sh");
  const secret = join(folder, "jwt");
  writeFileSync(secret, "a secret of the documentation's test, 32 bytes\n");
  const env = { BROADTAPE_JWT_SECRET_FILE: secret, BROADTAPE_DATA_DIR: join(folder, "serve") };
  await start(serve.replace("/run/secrets/jwt", secret).replace("/var/lib/broadtape", env.BROADTAPE_DATA_DIR), {});
  expect((await run("npx broadtape config print", env)).stdout).toContain("(hidden)");
  const other = { ...env, BROADTAPE_DATA_DIR: join(folder, "other"), PORT: String(await freePort()) };
  await run("npx broadtape doctor", other);
});

it("operating: tells of alerts by webhook or by mail", async () => {
  const secret = join(folder, "hook");
  writeFileSync(secret, "a secret of the documentation's test, 32 bytes\n");
  const commands = codeOf(pageOf("docs/operating.md"), "sh").filter((command) => command.includes("BROADTAPE_NOTIFY_"));
  expect(commands).toHaveLength(2);
  for (const command of commands) {
    // Nobody is to be told anything by a test: what would be served with is printed.
    const { stdout } = await run(command.replace("/run/secrets/hook", secret).replace("broadtape serve", "broadtape config print"), {
      BROADTAPE_JWT_SECRET_FILE: secret,
      BROADTAPE_DATA_DIR: join(folder, "notify"),
    });
    for (const [, name = ""] of command.matchAll(/(BROADTAPE_NOTIFY_[A-Z]+(?:_[A-Z]+)*?)(?:_FILE)?=/g)) expect(stdout).toContain(name);
  }
});

it("contributing: names scripts that there are", () => {
  const { scripts } = JSON.parse(pageOf("package.json")) as { scripts: Record<string, string> };
  const named = [...pageOf("CONTRIBUTING.md").matchAll(/`npm (?:run )?([a-z]+)/g)].map(([, name]) => name ?? "");
  expect(named.length).toBeGreaterThan(5);
  for (const name of named) if (!["ci", "install"].includes(name)) expect(scripts).toHaveProperty([name]);
});
