/**
 * Outlives whoever started programs, however that ended, and ends what is left of them: a line of its input for each that was started
 * (`+<pid> <signal>`) and that has ended (`-<pid>`), and for each folder to be removed (`/…`). Its input ends with whoever writes it.
 */
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";

/** What has not heeded its signal by then is killed. */
const HEED_MS = 2000;

const running = new Map<number, NodeJS.Signals>();
const folders: string[] = [];

// A Ctrl-C is for whoever started this, which may have more to do.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

for await (const line of createInterface({ input: process.stdin })) {
  const [pid = "", signal] = line.slice(1).split(" ");
  if (line.startsWith("+")) running.set(Number(pid), signal as NodeJS.Signals);
  else if (line.startsWith("-")) running.delete(Number(pid));
  else folders.push(line);
}
for (const [pid, signal] of running) end(pid, signal);
for (const deadline = Date.now() + HEED_MS; Date.now() < deadline && [...running.keys()].some((pid) => end(pid, 0));) await wait(20);
for (const pid of running.keys()) end(pid, "SIGKILL");
for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });

/** To the program and its children. False where there is nobody. */
function end(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}
