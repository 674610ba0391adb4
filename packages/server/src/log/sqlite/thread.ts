/** One of the log's threads, as promises. */
import { Worker } from "node:worker_threads";
import type { WorkerStart } from "./messages.ts";

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Answers come in the order of the requests. `R` maps nothing: callers know what their request is answered with. */
export class Thread<Request> {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #failure: Error | undefined;

  private constructor(worker: Worker, onFault: (error: Error) => void) {
    this.#worker = worker;
    worker.on("message", (message: { id: number; answer?: unknown; error?: string }) => {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error === undefined) waiting?.resolve(message.answer);
      else waiting?.reject(new Error(message.error));
    });
    worker.on("error", (error: unknown) => {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
      onFault(this.#failure ?? new Error("the log's thread failed"));
    });
    worker.on("exit", () => {
      this.#fail(new Error("the log is closed"));
    });
  }

  /** Starts a thread; resolves with its first answer when it has opened the file, rejects when it cannot. */
  static async start<Request, Opened>(
    start: WorkerStart,
    onFault: (error: Error) => void,
  ): Promise<{ thread: Thread<Request>; opened: Opened }> {
    const url = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
    const worker = new Worker(url, { workerData: start });
    let isOpen = false;
    const thread = new Thread<Request>(worker, (error) => {
      if (isOpen) onFault(error);
    });
    const opened = await new Promise<unknown>((resolve, reject) => {
      thread.#waiting.set(0, { resolve, reject });
    });
    isOpen = true;
    // The thread's first message has this shape by role (worker.ts).
    return { thread, opened: opened as Opened };
  }

  async ask<Answer>(request: Request): Promise<Answer> {
    if (this.#failure !== undefined) throw this.#failure;
    const id = ++this.#lastId;
    const answer = await new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, request });
    });
    // Answers are typed by request in messages.ts.
    return answer as Answer;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}
