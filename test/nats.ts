/** Debian's nats-server on a free port of the loopback. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { freePort } from "./free-port.ts";
import { HERE } from "./host.ts";
import { Program } from "./program.ts";

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
export async function startNats(settings: readonly string[] = [], host = HERE): Promise<NatsServer> {
  const folder = mkdtempSync(join(tmpdir(), "broadtape-nats-"));
  const port = await freePort();
  const settingsFile = join(folder, "nats.conf");
  writeFileSync(settingsFile, [`host: "${host.address}"`, `port: ${port}`, ...settings, ""].join("\n"));
  const [file, args] = host.command(programFile(), ["-c", settingsFile]);
  const program = new Program({
    name: "nats-server",
    file,
    args,
    spawn: { cwd: folder },
    isReady: () => greets(host.address, port),
    outputCharacters: 10_000,
  });
  await program.start();
  return {
    url: `nats://${host.address}:${port}`,
    async kill(signal = "SIGKILL") {
      await program.end(signal);
    },
    start: () => program.start(),
    output: () => program.output,
    setRunning: (isRunning) => {
      program.setRunning(isRunning);
    },
    async remove() {
      await program.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** On the PATH, or where Debian puts it. */
function programFile(): string {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"].filter((folder) => folder !== "");
  const found = folders.map((folder) => join(folder, "nats-server")).find((path) => existsSync(path));
  if (found === undefined) throw new Error("NATS is not installed: apt-get install nats-server");
  return found;
}

function greets(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address);
    const end = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once("data", () => end(true));
    socket.once("error", () => end(false));
  });
}
