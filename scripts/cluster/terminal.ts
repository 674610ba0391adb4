/** Lines that stay, a last line that changes, and keys. Off a terminal: lines alone. */

export class Terminal {
  readonly #isLive = process.stdout.isTTY;
  #last = "";
  #isClosed = false;
  #restore: () => void = () => undefined;

  /** A line that stays. */
  say(line = ""): void {
    if (this.#isClosed) return;
    process.stdout.write(this.#isLive ? `\r\x1b[K${line}\n${this.#last}` : `${line}\n`);
  }

  /** The line below all others. */
  show(line: string): void {
    if (!this.#isLive) return;
    this.#last = line.slice(0, process.stdout.columns - 1);
    process.stdout.write(`\r\x1b[K${this.#last}`);
  }

  bold(text: string): string {
    return this.#isLive ? `\x1b[1m${text}\x1b[22m` : text;
  }

  dim(text: string): string {
    return this.#isLive ? `\x1b[2m${text}\x1b[22m` : text;
  }

  /** Hears keys as they are pressed; off a terminal, letters of its input. */
  onKey(hear: (key: string) => void): void {
    const { stdin } = process;
    if (stdin.isTTY) {
      stdin.setRawMode(true);
      this.#restore = () => stdin.setRawMode(false);
    }
    stdin.on("data", (data: Buffer) => {
      for (const key of data.toString()) hear(key);
    });
  }

  /** Nothing is said after it. */
  close(): void {
    this.#isClosed = true;
    this.#restore();
    process.stdin.destroy();
    if (this.#isLive) process.stdout.write("\r\x1b[K");
  }
}
