/**
 * Entry of the log's threads: answers requests one at a time, in order.
 * Of `@broadtape/*` it and what it imports take types only: a thread may run without the export condition that leads to their source.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { openDatabase } from "./database.ts";
import type { Calls, Handlers, ReaderCalls, Reply, Request, WorkerStart, WriterCalls } from "./messages.ts";
import { unpack } from "./packing.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** What a thread does once the file is open. */
interface Duty<C extends Calls<C>> {
  readonly handlers: Handlers<C>;
  /** Does a small piece of work that nobody waits for; returns whether there is more. Runs after an answer, when no request waits. */
  readonly tidy?: () => boolean;
}

if (parentPort === null) throw new Error("the log's threads are started by the log");
// Handed over by sqlite-log.ts.
const start = workerData as WorkerStart;
if (start.role === "writer") serve(parentPort, start.file, () => writing(start));
else serve(parentPort, start.file, () => reading(start));

function writing({ file, dedupeWindowMs, sizes, sql }: WorkerStart): Duty<WriterCalls> {
  const db = openDatabase(file, "writer", sql);
  const writer = new Writer(db, dedupeWindowMs, sizes);
  const handlers: Handlers<WriterCalls> = {
    opened: () => ({ bounds: writer.bounds, mark: writer.mark }),
    mark: (mark) => {
      writer.setMark(mark);
    },
    append: ({ now, batches }) => writer.append(now, unpack(batches)),
    retain: (due) => writer.retain(due),
    saveCheckpoint: ({ checkpoint, entries }) => {
      writer.saveCheckpoint(checkpoint, entries);
    },
    dropCheckpoint: () => {
      writer.dropCheckpoint();
    },
    close: () => {
      db.raw.close();
    },
  };
  return { handlers, tidy: () => db.raw.open && writer.tidy() };
}

function reading({ file, sizes, sql }: WorkerStart): Duty<ReaderCalls> {
  const db = openDatabase(file, "reader", sql);
  const reader = new Reader(db, sizes);
  const handlers: Handlers<ReaderCalls> = {
    opened: () => undefined,
    read: (request) => reader.read(request),
    find: (request) => reader.find(request),
    loadCheckpoint: () => reader.loadCheckpoint(),
    close: () => {
      db.raw.close();
    },
  };
  return { handlers };
}

/** Opens the file with the first request: the reader's thread starts up while the writer's still makes the file. */
function serve<C extends Calls<C>>(port: MessagePort, file: string, open: () => Duty<C>): void {
  let duty: Duty<C> | undefined;
  let willTidy = false;
  const say = (reply: Reply) => port.postMessage(reply);
  const tidyLater = () => {
    if (willTidy || duty?.tidy === undefined) return;
    willTidy = true;
    setImmediate(() => {
      willTidy = false;
      try {
        if (duty?.tidy?.() === true) tidyLater();
      } catch (error) {
        say({ fault: `${file}: ${messageOf(error)}` });
      }
    });
  };
  port.on("message", ({ id, name, request }: Request) => {
    try {
      duty ??= open();
      // Thread.ask sends a name of C with the request that belongs to it.
      say({ id, answer: duty.handlers[name as keyof C](request) });
    } catch (error) {
      // A request that failed is its caller's to hear of; the thread goes on.
      const what = duty === undefined ? `${file} cannot be opened as a Broadtape log` : file;
      say({ id, error: `${what}: ${messageOf(error)}` });
    }
    tidyLater();
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
