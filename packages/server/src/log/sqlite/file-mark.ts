/** Tells a file from every other, also from its own copy. */
import type { BigIntStats } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * File systems give the number (inode) of a removed file to the next one, so that a file restored from a backup often has the
 * number of the one it replaces. Its time of birth it cannot have: no call sets that.
 */
export interface FileMark {
  readonly inode: string;
  /** Nanoseconds; empty where the file system does not keep it. */
  readonly born: string;
}

export function markOf({ ino, birthtimeNs }: BigIntStats, hasBirthTimes: boolean): FileMark {
  return { inode: String(ino), born: hasBirthTimes ? String(birthtimeNs) : "" };
}

export function isSameFile(a: FileMark, b: FileMark): boolean {
  return a.inode === b.inode && (a.born === b.born || a.born === "" || b.born === "");
}

const PROBE_MS = 200;

/** Whether times of birth stay: where a file system has none, some systems report the time of the last change instead. */
export async function keepsBirthTimes(directory: string): Promise<boolean> {
  const path = join(directory, "probe.tmp");
  const file = await open(path, "w", 0o600);
  try {
    const born = await file.stat({ bigint: true });
    for (const until = performance.now() + PROBE_MS; performance.now() < until;) {
      await file.utimes(0, 0);
      const changed = await file.stat({ bigint: true });
      // Clocks of file systems move in steps of some milliseconds.
      if (changed.ctimeNs !== born.ctimeNs) return born.birthtimeNs > 0n && changed.birthtimeNs === born.birthtimeNs;
    }
    return false;
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}
