/**
 * Tells one life of a log from another (decision 0002). A sidecar beside the database remembers which files the two were, at
 * which opening of the log, and how far it had come. Data that was wiped, restored or copied does not fit its sidecar, and
 * gets another epoch; a server that was killed finds everything as it left it.
 */
import { randomBytes, randomInt } from "node:crypto";
import { open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Epoch, MAX_EPOCH, type Offset } from "@broadtape/protocol/event-id";
import { type FileMark, isSameFile, keepsBirthTimes, markOf } from "./file-mark.ts";
import type { LifeMark } from "./messages.ts";

const SIDECAR = "life.json";

interface Sidecar extends LifeMark {
  readonly head: Offset;
  /** The opening that is about to be noted in the database: a server may be killed between the two. */
  readonly nextOpening: string | undefined;
  readonly database: FileMark;
  readonly self: FileMark;
}

export class Life {
  /** Under which the log goes on. */
  readonly mark: LifeMark;
  readonly #directory: string;
  readonly #database: FileMark;
  readonly #hasBirthTimes: boolean;
  /** Invariant: settles when the sidecar has its newest text. One write at a time. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(directory: string, database: FileMark, hasBirthTimes: boolean, mark: LifeMark) {
    this.#directory = directory;
    this.#database = database;
    this.#hasBirthTimes = hasBirthTimes;
    this.mark = mark;
  }

  /**
   * Begins an opening of the log: `note` has to store the given mark in the database, durably. `stored` and `head` are what
   * the database says of itself.
   */
  static async begin(
    directory: string,
    databaseFile: string,
    stored: LifeMark | undefined,
    head: Offset,
    note: (mark: LifeMark) => Promise<unknown>,
  ): Promise<Life> {
    const hasBirthTimes = await keepsBirthTimes(directory);
    const database = markOf(await stat(databaseFile, { bigint: true }), hasBirthTimes);
    const sidecar = await readSidecar(directory, hasBirthTimes);
    const epoch = epochOf(sidecar, database, stored, head);
    const mark = { epoch, opening: randomBytes(8).toString("hex") };
    const life = new Life(directory, database, hasBirthTimes, mark);
    // Whichever of the next steps is the last before a kill, sidecar and database still fit.
    if (stored?.epoch === epoch) await life.#write({ ...stored, head, nextOpening: mark.opening });
    await note(mark);
    await life.write(head);
    return life;
  }

  /** Writes the sidecar anew, atomically and durably: at an opening, about once a second while the head moves, at close. */
  async write(head: Offset): Promise<void> {
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#write({ ...this.mark, head, nextOpening: undefined }));
    await this.#writing;
  }

  async #write(lived: Omit<Sidecar, "database" | "self">): Promise<void> {
    const path = join(this.#directory, SIDECAR);
    const temporary = `${path}.new`;
    await rm(temporary, { force: true });
    const file = await open(temporary, "wx", 0o600);
    try {
      const self = markOf(await file.stat({ bigint: true }), this.#hasBirthTimes);
      const sidecar: Sidecar = { ...lived, database: this.#database, self };
      await file.writeFile(JSON.stringify(sidecar));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    const directory = await open(this.#directory);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

type Found = { readonly sidecar: Sidecar; readonly isSelf: boolean } | undefined;

function epochOf(found: Found, database: FileMark, stored: LifeMark | undefined, head: Offset): Epoch {
  const others = [stored?.epoch, found?.sidecar.epoch];
  if (stored === undefined) return newEpoch(others);
  // Killed at its very first opening: nobody has seen an event of it.
  if (found === undefined) return head === 0 ? stored.epoch : newEpoch(others);
  const { sidecar, isSelf } = found;
  const isSame =
    isSelf &&
    isSameFile(sidecar.database, database) &&
    sidecar.epoch === stored.epoch &&
    (sidecar.opening === stored.opening || sidecar.nextOpening === stored.opening) &&
    sidecar.head <= head;
  return isSame ? stored.epoch : newEpoch(others);
}

function newEpoch(others: readonly (Epoch | undefined)[]): Epoch {
  for (;;) {
    const epoch = randomInt(1, MAX_EPOCH + 1);
    if (!others.includes(epoch)) return epoch;
  }
}

/** Undefined where there is none, or none that this server can have written. */
async function readSidecar(directory: string, hasBirthTimes: boolean): Promise<Found> {
  try {
    const file = await open(join(directory, SIDECAR));
    try {
      const sidecar: unknown = JSON.parse(await file.readFile("utf8"));
      const self = markOf(await file.stat({ bigint: true }), hasBirthTimes);
      return isSidecar(sidecar) ? { sidecar, isSelf: isSameFile(sidecar.self, self) } : undefined;
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

function isSidecar(value: unknown): value is Sidecar {
  return (
    isRecord(value) &&
    typeof value["epoch"] === "number" &&
    typeof value["head"] === "number" &&
    typeof value["opening"] === "string" &&
    (value["nextOpening"] === undefined || typeof value["nextOpening"] === "string") &&
    isFileMark(value["database"]) &&
    isFileMark(value["self"])
  );
}

function isFileMark(value: unknown): value is FileMark {
  return isRecord(value) && typeof value["inode"] === "string" && typeof value["born"] === "string";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
