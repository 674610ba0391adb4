/** Debian's nats-server on a free port of the loopback. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { freePort, until } from "./contract/server.ts";

export interface NatsServer {
  readonly url: string;
  /** Ends it; it can be started again on the same port. `SIGKILL`: at once, as in a crash. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
  /** While false, it takes and gives nothing, and its connections stay. */
  setRunning(isRunning: boolean): void;
  /** The newest of what it logged. */
  output(): string;
  /** Kills it and removes its folder. */
  remove(): Promise<void>;
}

/** `settings`: as in its configuration file, such as `max_payload: 4096`. */
export async function startNats(settings: readonly string[] = []): Promise<NatsServer> {
  const folder = mkdtempSync(join(tmpdir(), "broadtape-nats-"));
  const port = await freePort();
  const file = join(folder, "nats.conf");
  writeFileSync(file, [`host: "127.0.0.1"`, `port: ${port}`, ...settings, ""].join("\n"));
  let child: ChildProcess | undefined;
  let said = "";

  const start = async () => {
    const started = spawn(program(), ["-c", file], { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    child = started;
    started.stderr.on("data", (text: Buffer) => (said = (said + text.toString()).slice(-10_000)));
    await until(
      () => {
        if (started.exitCode !== null) throw new Error(`nats-server ended with ${started.exitCode}: ${said}`);
        return greets(port);
      },
      () => said,
    );
  };
  const kill = async (signal: NodeJS.Signals = "SIGKILL") => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exit = once(running, "exit");
    running.kill(signal);
    await exit;
  };
  await start();
  return {
    url: `nats://127.0.0.1:${port}`,
    kill,
    start,
    output: () => said,
    setRunning: (isRunning) => void child?.kill(isRunning ? "SIGCONT" : "SIGSTOP"),
    async remove() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** On the PATH, or where Debian puts it. */
function program(): string {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"].filter((folder) => folder !== "");
  const found = folders.map((folder) => join(folder, "nats-server")).find((path) => existsSync(path));
  if (found === undefined) throw new Error("NATS is not installed: apt-get install nats-server");
  return found;
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once("data", () => end(true));
    socket.once("error", () => end(false));
  });
}
