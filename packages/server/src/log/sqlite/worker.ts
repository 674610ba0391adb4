/** Entry of the log's threads: answers requests one at a time, in order. */
import { parentPort, workerData } from "node:worker_threads";
import { openDatabase } from "./database.ts";
import type { OpenAnswer, ReaderRequest, WorkerStart, WriterRequest } from "./messages.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

interface Envelope<R> {
  readonly id: number;
  readonly request: R;
}

const port = parentPort;
if (port === null) throw new Error("the log's thread is started by the log");
// Handed over by sqlite-log.ts.
const start = workerData as WorkerStart;
if (start.role === "writer") serveWriter(port, start);
else serveReader(port, start);

type Port = NonNullable<typeof parentPort>;

function serveWriter(port: Port, { file, dedupeWindowMs }: WorkerStart): void {
  const db = openDatabase(file, "writer");
  const writer = new Writer(db, dedupeWindowMs);
  const opened: OpenAnswer = { bounds: writer.bounds, epoch: writer.epoch };
  port.postMessage({ id: 0, answer: opened });
  answer<WriterRequest>(port, (request) => {
    switch (request.kind) {
      case "append":
        return writer.append(request.now, request.batches);
      case "retain":
        return writer.retain(request.olderThan, request.maxBytes);
      case "saveCheckpoint":
        writer.saveCheckpoint(request.checkpoint, request.entries);
        return undefined;
      case "dropCheckpoint":
        writer.dropCheckpoint();
        return undefined;
      case "setEpoch":
        writer.setEpoch(request.epoch);
        return undefined;
      case "close":
        db.raw.close();
        return undefined;
    }
  });
}

function serveReader(port: Port, { file }: WorkerStart): void {
  const db = openDatabase(file, "reader");
  const reader = new Reader(db);
  port.postMessage({ id: 0, answer: undefined });
  answer<ReaderRequest>(port, (request) => {
    switch (request.kind) {
      case "read":
        return reader.read(request.request);
      case "find":
        return reader.find(request.tenant, request.source, request.id);
      case "loadCheckpoint":
        return reader.loadCheckpoint();
      case "close":
        db.raw.close();
        return undefined;
    }
  });
}

function answer<R>(port: Port, serve: (request: R) => unknown): void {
  port.on("message", ({ id, request }: Envelope<R>) => {
    try {
      port.postMessage({ id, answer: serve(request) });
    } catch (error) {
      // A failed statement is the caller's to hear of; the thread goes on.
      port.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
}
