/** Wakes all nodes, at most once at a time: whoever is not woken looks within a second. */
import { escapeIdentifier } from "pg";
import type { Database } from "./database.ts";

/**
 * Rung after the transaction of what there is to hear, not in it: all notifying commits of a database take one lock, and this one
 * waits for no standby.
 */
export class Bell {
  readonly #database: Database;
  readonly #notify: string;
  #ringing: Promise<void> | undefined;
  /** Whether there is something to hear since it was last rung. */
  #isDue = false;

  constructor(database: Database, channel: string) {
    this.#database = database;
    this.#notify = `notify ${escapeIdentifier(channel)}`;
  }

  /** Resolves when it was rung, or cannot be. */
  ring(): Promise<void> {
    this.#isDue = true;
    this.#ringing ??= this.#ringAsDue();
    return this.#ringing;
  }

  async #ringAsDue(): Promise<void> {
    while (this.#isDue) {
      this.#isDue = false;
      await this.#database.ask((client) => client.query(this.#notify)).catch(() => undefined);
    }
    this.#ringing = undefined;
  }
}
