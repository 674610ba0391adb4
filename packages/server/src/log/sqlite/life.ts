/**
 * Tells one life of a log from another (decision 0002): a sidecar beside the database remembers which files it was
 * written next to and how far the log had come. Restored or wiped data does not fit its sidecar, and gets a new epoch.
 */
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from "node:fs";
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { MAX_EPOCH, type Epoch, type Offset } from "@broadtape/protocol/event-id";
import { LOG_FILE } from "./database.ts";

const SIDECAR = "life.json";

interface Life {
  readonly epoch: Epoch;
  readonly head: Offset;
  /** Inode of the database file, and of the sidecar itself: a copy has others. */
  readonly database: string;
  readonly self: string;
}

/** The epoch under which the log goes on: the stored one where the files are the ones that it was written in, else another. */
export function epochOf(directory: string, stored: Epoch | undefined, head: Offset): Epoch {
  if (stored === undefined) return newEpoch(undefined);
  const life = read(directory);
  const isSame =
    life?.epoch === stored &&
    life.head <= head &&
    life.database === inodeOf(join(directory, LOG_FILE)) &&
    life.self === inodeOf(join(directory, SIDECAR));
  return isSame ? stored : newEpoch(stored);
}

/** Writes the sidecar anew: at every open, about once a second while the head moves, and at close. */
export function writeLife(directory: string, epoch: Epoch, head: Offset): void {
  const temporary = join(directory, `${SIDECAR}.new`);
  const file = openSync(temporary, "w", 0o600);
  try {
    const life: Life = { epoch, head, database: inodeOf(join(directory, LOG_FILE)), self: String(fstatSync(file, { bigint: true }).ino) };
    writeSync(file, JSON.stringify(life));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, join(directory, SIDECAR));
}

function newEpoch(previous: Epoch | undefined): Epoch {
  for (;;) {
    const epoch = randomInt(1, MAX_EPOCH + 1);
    if (epoch !== previous) return epoch;
  }
}

function inodeOf(path: string): string {
  return String(statSync(path, { bigint: true }).ino);
}

function read(directory: string): Life | undefined {
  try {
    const life: unknown = JSON.parse(readFileSync(join(directory, SIDECAR), "utf8"));
    return isLife(life) ? life : undefined;
  } catch {
    // Missing or damaged: the data is not as this server left it.
    return undefined;
  }
}

function isLife(value: unknown): value is Life {
  return (
    typeof value === "object" &&
    value !== null &&
    "epoch" in value &&
    "head" in value &&
    typeof value.head === "number" &&
    "database" in value &&
    "self" in value
  );
}
