/** Starts a server on one core and the load on the other, and measures between them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Cpu, Filled, LoadOrder, Memory, Published, Reading, ServerOrder, ServerReady } from "./control.ts";

const SERVER_CORE = 0;
const LOAD_CORE = 1;

export interface Subject {
  readonly name: string;
  readonly file: string;
  readonly wire: Extract<LoadOrder, { kind: "connect" }>["wire"];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Clients {
  readonly clients: number;
  readonly topics: number;
  readonly topicsEach: number;
  readonly topicKind?: string;
  readonly after?: string;
}

export interface Rig {
  connect(clients: Clients): Promise<void>;
  /** Stores events; resolves with the cursor before the first of them. */
  fill(events: number, topics: number): Promise<string>;
  /** Seconds of processor time of the server since this was last asked. */
  cpuSeconds(): Promise<number>;
  /** What the load has got so far. */
  reading(): Promise<Reading>;
  measure(eventsPerSecond: number, seconds: number, topics: number): Promise<Measured>;
  residentBytes(): Promise<number>;
  memory(): Promise<Memory>;
  /** The value of one line of the server's `/metrics`. */
  metric(name: string): Promise<number>;
  stop(): Promise<void>;
}

export interface Measured {
  readonly published: Published;
  readonly reading: Reading;
}

export async function startRig(subject: Subject): Promise<Rig> {
  const server = start(`./servers/${subject.file}.ts`, SERVER_CORE, subject.env ?? {});
  const ready = await answer<ServerReady>(server, "ready");
  const load = start("./load.ts", LOAD_CORE, {});
  const tell = (child: ChildProcess, order: ServerOrder | LoadOrder) => {
    child.send(order);
  };
  return {
    async connect(clients) {
      const wire = clients.after === undefined ? subject.wire : "native-resume";
      const { port, token, tokens } = ready;
      tell(load, { kind: "connect", wire, port, token, ...(tokens !== undefined && { tokens }), ...clients });
      await answer(load, "connected");
    },
    async fill(events, topics) {
      tell(server, { kind: "fill", events, topics });
      return (await answer<Filled>(server, "filled")).cursor;
    },
    async cpuSeconds() {
      tell(server, { kind: "cpu" });
      return (await answer<Cpu>(server, "cpu")).cpuSeconds;
    },
    async reading() {
      tell(load, { kind: "read" });
      return answer<Reading>(load, "reading");
    },
    async measure(eventsPerSecond, seconds, topics) {
      tell(load, { kind: "reset" });
      tell(server, { kind: "publish", eventsPerSecond, seconds, topics });
      const published = await answer<Published>(server, "published");
      await settled(load);
      tell(load, { kind: "read" });
      return { published, reading: await answer<Reading>(load, "reading") };
    },
    async residentBytes() {
      tell(server, { kind: "memory" });
      return (await answer<Memory>(server, "memory")).residentBytes;
    },
    async memory() {
      tell(server, { kind: "memory" });
      return answer<Memory>(server, "memory");
    },
    async metric(name) {
      const text = await (await fetch(`http://127.0.0.1:${ready.port}/metrics`)).text();
      return Number(new RegExp(`^${name} (.+)$`, "m").exec(text)?.[1]);
    },
    async stop() {
      tell(load, { kind: "stop" });
      tell(server, { kind: "stop" });
      await Promise.all([server, load].map((child) => ended(child)));
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null) await once(child, "exit");
}

/** Waits until the load reads no more. */
async function settled(load: ChildProcess): Promise<void> {
  for (let last = -1; ;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    load.send({ kind: "read" } satisfies LoadOrder);
    const { messages } = await answer<Reading>(load, "reading");
    if (messages === last) return;
    last = messages;
  }
}

function start(file: string, core: number, env: Readonly<Record<string, string>>): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const args = ["--expose-gc", "--conditions=@broadtape/source", path];
  const pinned = existsSync("/usr/bin/taskset");
  const [program, all] = pinned ? ["/usr/bin/taskset", ["-c", String(core), process.execPath, ...args]] : [process.execPath, args];
  return spawn(program, all, { stdio: ["ignore", "inherit", "inherit", "ipc"], env: { ...process.env, ...env } });
}

async function answer<T extends { readonly kind: string }>(child: ChildProcess, kind: T["kind"]): Promise<T> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: T) => {
      if (message.kind !== kind) return;
      child.off("message", onMessage);
      child.off("exit", onExit);
      resolve(message);
    };
    const onExit = (code: number | null) => {
      reject(new Error(`a process of the benchmark ended with ${code}`));
    };
    child.on("message", onMessage);
    child.on("exit", onExit);
  });
}
