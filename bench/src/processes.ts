/** The processes of a benchmark: servers and load, spoken to over IPC. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { LoadOrder, Reading, ServerOrder } from "./control.ts";

/** Nothing to one that has ended: whoever waits for its answer hears of that. */
export function tell(child: ChildProcess, order: ServerOrder | LoadOrder): void {
  if (child.connected) child.send(order);
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

/** Waits until the load reads no more. */
export async function settled(load: ChildProcess): Promise<void> {
  for (let last = -1; ;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    load.send({ kind: "read" } satisfies LoadOrder);
    const { messages } = await answer<Reading>(load, "reading");
    if (messages === last) return;
    last = messages;
  }
}

/** Pinned to a core, where one is given. */
export function start(file: string, core: number | undefined, env: Readonly<Record<string, string>>): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const args = ["--expose-gc", "--conditions=@broadtape/source", path];
  const isPinned = core !== undefined && existsSync("/usr/bin/taskset");
  const [program, all] = isPinned ? ["/usr/bin/taskset", ["-c", String(core), process.execPath, ...args]] : [process.execPath, args];
  return spawn(program, all, { stdio: ["ignore", "inherit", "inherit", "ipc"], env: { ...process.env, ...env } });
}

/** The next message of this kind; rejects where the process ends before. */
export async function answer<T extends { readonly kind: string }>(child: ChildProcess, kind: T["kind"]): Promise<T> {
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
