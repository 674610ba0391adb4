/** SQLite's journal (WAL): where commits go first. It is moved into the file between commits, in portions, so that none waits long. */
import type { Statement } from "better-sqlite3";
import type { LogDatabase } from "./database.ts";

/** Pages (4 KiB each) that are moved together: some milliseconds of writing. */
const PAGES = 1000;

interface State {
  readonly log: number;
  readonly checkpointed: number;
}

export class Journal {
  readonly #look: Statement<[], State>;
  readonly #move: Statement<[], State>;

  constructor({ raw }: LogDatabase) {
    this.#look = raw.prepare("pragma wal_checkpoint(NOOP)");
    this.#move = raw.prepare("pragma wal_checkpoint(PASSIVE)");
  }

  /** Moves what is there, if it is much. */
  tidy(): void {
    const state = this.#look.get();
    if (state !== undefined && state.log - state.checkpointed > PAGES) this.#move.get();
  }
}
