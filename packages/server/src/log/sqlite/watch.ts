/** Once a second: keeps the sidecar near the log's head, and looks whether the files that the log writes to are still the ones in the directory. */
import { stat } from "node:fs/promises";
import type { Offset } from "@broadtape/protocol/event-id";
import type { Life } from "./life.ts";

const EVERY_MS = 1000;

export interface WatchHost {
  readonly head: Offset;
  readonly onFault: (error: Error) => void;
}

export class Watch {
  readonly #life: Life;
  readonly #host: WatchHost;
  /** Numbers (inodes) of the files at the start. */
  readonly #inodes: ReadonlyMap<string, bigint | undefined>;
  #notedHead: Offset;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;
  #displaced: Error | undefined;

  private constructor(life: Life, host: WatchHost, inodes: ReadonlyMap<string, bigint | undefined>) {
    this.#life = life;
    this.#host = host;
    this.#inodes = inodes;
    this.#notedHead = host.head;
    this.#lookLater();
  }

  static async start(life: Life, files: readonly string[], host: WatchHost): Promise<Watch> {
    const inodes = await Promise.all(files.map(async (file) => [file, await inodeOf(file)] as const));
    return new Watch(life, host, new Map(inodes));
  }

  /** Set while what is written would be lost: a file was removed or replaced under the log. */
  get displaced(): Error | undefined {
    return this.#displaced;
  }

  /** Notes the head a last time. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
    await this.#note();
  }

  #lookLater(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.#look();
    }, EVERY_MS).unref();
  }

  async #look(): Promise<void> {
    try {
      await this.#checkFiles();
      await this.#note();
    } catch (error) {
      this.#host.onFault(error instanceof Error ? error : new Error(String(error)));
    }
    this.#lookLater();
  }

  async #checkFiles(): Promise<void> {
    const before = this.#displaced;
    this.#displaced = undefined;
    for (const [file, inode] of this.#inodes) {
      if ((await inodeOf(file)) !== inode) this.#displaced = new Error(`${file} was removed or replaced while the log was open`);
    }
    if (this.#displaced !== undefined && before === undefined) this.#host.onFault(this.#displaced);
  }

  async #note(): Promise<void> {
    const { head } = this.#host;
    // Beside files that are not this log's, its note would be a lie.
    if (head === this.#notedHead || this.#displaced !== undefined) return;
    await this.#life.write(head);
    this.#notedHead = head;
  }
}

async function inodeOf(file: string): Promise<bigint | undefined> {
  try {
    return (await stat(file, { bigint: true })).ino;
  } catch {
    return undefined;
  }
}
