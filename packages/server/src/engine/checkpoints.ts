/** Keeps views on disk, so that a start folds only what came since (issue 2, "Engine"). */
import type { Advanced, CheckpointEntry, Log, SharedLog } from "../log/log.ts";
import type { Offset } from "@broadtape/protocol/event-id";
import type { Views } from "./views.ts";

export class Checkpoints {
  readonly #log: Log | SharedLog;
  readonly #views: Views;
  #savedTo: Offset = 0;
  #saving: Promise<void> | undefined;

  constructor(log: Log | SharedLog, views: Views) {
    this.#log = log;
    this.#views = views;
  }

  /** Newest offset that a start need not fold; a metric. */
  get savedTo(): Offset {
    return this.#savedTo;
  }

  /** Takes the newest usable checkpoint into the views; returns the offset that folding goes on after. */
  async load(): Promise<Offset> {
    const saved = await this.#log.loadCheckpoint(this.#views.version);
    if (saved === undefined) return 0;
    // One that lies ahead of the log is of a past that the log has lost.
    if (saved.checkpoint.version !== this.#views.version || saved.checkpoint.offset > (await this.#headFor(saved.checkpoint.offset))) {
      await this.#log.dropCheckpoint();
      return 0;
    }
    this.#views.restore(saved.entries);
    this.#savedTo = saved.checkpoint.offset;
    return this.#savedTo;
  }

  /** Saves what changed up to `routedTo`. One at a time; a call while one runs waits for it and adds nothing. */
  async save(routedTo: Offset): Promise<void> {
    if (this.#saving !== undefined) return this.#saving;
    if (routedTo === this.#savedTo) return;
    const entries = this.#views.takeDirty();
    this.#saving = this.#write(routedTo, entries).then(
      (advanced) => {
        if (advanced === "saved") this.#savedTo = routedTo;
        else this.#views.putBackDirty(entries);
        if (advanced === "incomplete") this.#begin();
      },
      (error: unknown) => {
        this.#views.putBackDirty(entries);
        throw error;
      },
    );
    try {
      await this.#saving;
    } finally {
      this.#saving = undefined;
    }
  }

  async #write(offset: Offset, entries: readonly CheckpointEntry[]): Promise<Advanced> {
    const checkpoint = { offset, version: this.#views.version };
    if ("advanceCheckpoint" in this.#log) return this.#log.advanceCheckpoint(checkpoint, entries, this.#savedTo);
    await this.#log.saveCheckpoint(checkpoint, entries);
    return "saved";
  }

  /** The next one holds everything. */
  #begin(): void {
    this.#savedTo = 0;
    this.#views.markAllDirty();
  }

  /** Other nodes may have stored, and saved, since this one looked where the log ends. */
  async #headFor(offset: Offset): Promise<Offset> {
    const { head } = this.#log.bounds();
    return head < offset && "refresh" in this.#log ? (await this.#log.refresh()).head : head;
  }
}
