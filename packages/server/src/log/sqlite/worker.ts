/**
 * Entry of the log's threads: answers requests one at a time, in order.
 * Of `@broadtape/*` it and what it imports take types only: a thread may run without the export condition that leads to their source.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { openDatabase } from "./database.ts";
import type { Calls, Handlers, ReaderCalls, Reply, Request, WorkerStart, WriterCalls } from "./messages.ts";
import { Reader } from "./reader.ts";
import { unpack } from "./packing.ts";
import { Writer } from "./writer.ts";

if (parentPort === null) throw new Error("the log's threads are started by the log");
// Handed over by sqlite-log.ts.
const start = workerData as WorkerStart;
try {
  if (start.role === "writer") serveWriter(parentPort, start);
  else serveReader(parentPort, start);
} catch (error) {
  throw new Error(`${start.file} cannot be opened as a Broadtape log: ${messageOf(error)}`, { cause: error });
}

function serveWriter(port: MessagePort, { file, dedupeWindowMs, sizes }: WorkerStart): void {
  const db = openDatabase(file, "writer");
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
  serve<WriterCalls>(port, file, handlers, () => db.raw.open && writer.tidy());
}

function serveReader(port: MessagePort, { file, sizes }: WorkerStart): void {
  const db = openDatabase(file, "reader");
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
  serve<ReaderCalls>(port, file, handlers, () => false);
}

/** `tidy` does a small piece of work that nobody waits for, and says whether there is more. It runs after an answer, while no request is here. */
function serve<C extends Calls<C>>(port: MessagePort, file: string, handlers: Handlers<C>, tidy: () => boolean): void {
  let willTidy = false;
  const say = (reply: Reply) => port.postMessage(reply);
  const tidyLater = () => {
    if (willTidy) return;
    willTidy = true;
    setImmediate(() => {
      willTidy = false;
      try {
        if (tidy()) tidyLater();
      } catch (error) {
        say({ fault: `${file}: ${messageOf(error)}` });
      }
    });
  };
  port.on("message", ({ id, name, request }: Request) => {
    try {
      // Thread.ask sends a name of C with the request that belongs to it.
      say({ id, answer: handlers[name as keyof C](request) });
    } catch (error) {
      // A request that failed is its caller's to hear of; the thread goes on.
      say({ id, error: `${file}: ${messageOf(error)}` });
    }
    tidyLater();
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
