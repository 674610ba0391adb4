/** What came in and is not heard yet. A node that does not keep up forgets it and reads the log, which comes in pages. */
export interface InboxOptions {
  readonly limitBytes: number;
  readonly turnBytes: number;
  /** Hears the messages in the order in which they came. */
  readonly hear: (bytes: Uint8Array) => void;
  /** So many messages were thrown away, all of them older than what is heard next. */
  readonly onOverflow: (messages: number) => void;
}

export class Inbox {
  readonly #options: InboxOptions;
  /** Oldest first, from `#next` on; together at most `limitBytes`. */
  #waiting: Uint8Array[] = [];
  #next = 0;
  #waitingBytes = 0;
  /** Messages thrown away since the last turn; until the next one, everything that comes joins them. */
  #dropped = 0;
  #turn: NodeJS.Immediate | undefined;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  push(bytes: Uint8Array): void {
    this.#turn ??= setImmediate(() => this.#hear());
    if (this.#dropped === 0 && this.#waitingBytes + bytes.length <= this.#options.limitBytes) {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
      return;
    }
    this.#dropped += this.#waiting.length - this.#next + 1;
    this.#forget();
  }

  /** Nothing of it is heard any more. */
  close(): void {
    clearImmediate(this.#turn);
    this.#forget();
  }

  #hear(): void {
    this.#turn = undefined;
    if (this.#dropped > 0) {
      const dropped = this.#dropped;
      this.#dropped = 0;
      this.#options.onOverflow(dropped);
      return;
    }
    for (let heardBytes = 0; heardBytes < this.#options.turnBytes;) {
      const bytes = this.#waiting[this.#next];
      if (bytes === undefined) break;
      this.#next += 1;
      this.#waitingBytes -= bytes.length;
      heardBytes += bytes.length;
      this.#options.hear(bytes);
    }
    if (this.#next === this.#waiting.length) this.#forget();
    else this.#turn ??= setImmediate(() => this.#hear());
  }

  #forget(): void {
    this.#waiting = [];
    this.#next = 0;
    this.#waitingBytes = 0;
  }
}
