/** The README's cluster: started, broken and ended as it says there. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { io } from "socket.io-client";
import { expect, it } from "vitest";
import { freePort } from "../free-port.ts";
import { until } from "../until.ts";
import { codeOf, pageOf } from "./pages.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const command = codeOf(pageOf("README.md"), "sh").find((each) => each.includes("cluster")) ?? "";

it("README: a cluster serves the desk, loses a node without losing a client's events, and leaves nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "broadtape-docs-cluster-"));
  // PostgreSQL runs as a user of its own.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const child = spawn("bash", ["-ec", command], {
    cwd: root,
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", TMPDIR: folder, PORT: String(port) },
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
  const exit = once(child, "exit");
  try {
    const url = `http://127.0.0.1:${port}`;
    await expect.poll(() => child.exitCode ?? output).toContain("A witness");
    expect(await (await fetch(url)).text()).toContain("<title>Broadtape");

    const socket = io(`${url}/market-data`, {
      transports: ["websocket"],
      auth: { token: await demoToken(url) },
      reconnectionDelayMax: 500,
    });
    const told: string[] = [];
    socket.on("price", (price) => told.push(JSON.stringify(price)));
    // Symbols are known from their first price on.
    const follow = async () => (await socket.emitWithAck("subscribe", { symbols: ["EURUSD"] })) as { subscribed: string[] };
    await until(async () => (await follow()).subscribed.length > 0);
    socket.on("connect", () => void follow());
    await until(
      () => told.length > 0,
      () => output,
    );

    const pids = [...output.matchAll(/n\d +kill -9 (\d+)/g)].map(([, pid]) => Number(pid));
    expect(pids).toHaveLength(3);
    process.kill(pids[0] ?? 0, "SIGKILL");
    const before = told.length;
    await until(
      () => /n1 was killed with SIGKILL/.test(output) && told.length > before,
      () => output,
    );
    await until(
      () => /since then: .*, 0 lost, 0 twice;/.test(output),
      () => output,
    );
    socket.disconnect();
  } finally {
    if (child.exitCode === null) process.kill(-(child.pid ?? 0), "SIGINT");
    await exit;
  }
  // npm and Node keep caches of their own.
  expect(readdirSync(folder).filter((name) => name.startsWith("broadtape"))).toEqual([]);
  rmSync(folder, { recursive: true });
});

async function demoToken(url: string): Promise<string> {
  const { token } = (await (await fetch(`${url}/api/demo/session`, { method: "POST" })).json()) as { token: string };
  return token;
}
