/** One of the log's threads, as promises. */
import { Worker } from "node:worker_threads";
import type { Calls, Reply, Request, WorkerStart } from "./messages.ts";

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Requests are served one at a time and answered in the order in which they are made. */
export class Thread<C extends Calls<C>> {
  readonly #worker: Worker;
  /** Requests without an answer. */
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  /** Why no request is taken any more. */
  #end: Error | undefined;

  /** `onFault` hears of what went wrong beside any request, the end of the thread among it. */
  constructor(start: WorkerStart, onFault: (error: Error) => void) {
    // Its own source under type stripping, its own build output in dist.
    const url = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
    this.#worker = new Worker(url, { workerData: start });
    this.#worker.on("message", (reply: Reply) => {
      if ("fault" in reply) onFault(new Error(reply.fault));
      else this.#settle(reply);
    });
    this.#worker.on("error", (error: unknown) => {
      onFault(this.#fail(error instanceof Error ? error : new Error(String(error))));
    });
    this.#worker.on("exit", () => {
      this.#fail(new Error("the log is closed"));
    });
  }

  async ask<Name extends keyof C>(name: Name, request: C[Name]["request"]): Promise<C[Name]["answer"]> {
    if (this.#end !== undefined) throw this.#end;
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const message: Request = { id, name, request };
      this.#worker.postMessage(message);
    });
  }

  /** Ends the thread at once; what has no answer yet gets none. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(reply: Exclude<Reply, { readonly fault: string }>): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting?.reject(new Error(reply.error));
    else waiting?.resolve(reply.answer);
  }

  #fail(error: Error): Error {
    this.#end ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#end);
    this.#waiting.clear();
    return this.#end;
  }
}
