/** Entry of the registry's thread: answers requests one at a time, in order. */
import { parentPort, workerData } from "node:worker_threads";
import Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { migrate } from "../migrations.ts";
import { createSqlRegistry, type RegistrySchema } from "../sql.ts";
import type { Answer, Request, WorkerStart } from "./messages.ts";

const port = parentPort;
if (port === null) throw new Error("the registry's thread is started by the registry");
// Handed over by sqlite-registry.ts.
const { file } = workerData as WorkerStart;

const opening = open();
/** Invariant: settles when everything asked before is answered. */
let last: Promise<void> = answer(0, async () => {
  await opening;
});
port.on("message", ({ id, request }: { id: number; request: Request }) => {
  last = last.then(async () => answer(id, async () => perform(request)));
});

async function open() {
  const database = new Database(file);
  database.pragma("journal_mode = WAL");
  // An ended session stays ended after a power cut.
  database.pragma("synchronous = FULL");
  const db = new Kysely<RegistrySchema>({ dialect: new SqliteDialect({ database }) });
  await migrate(db);
  return { db, registry: createSqlRegistry(db) };
}

async function perform(request: Request): Promise<unknown> {
  const { db, registry } = await opening;
  switch (request.kind) {
    case "saveSession":
      return registry.saveSession(request.session);
    case "findSession":
      return registry.findSession(request.idHash);
    case "endSession":
      return registry.endSession(request.idHash);
    case "sweepSessions":
      return registry.sweepSessions(request.now);
    case "saveCursors":
      return registry.saveCursors(request.cursors);
    case "findCursor":
      return registry.findCursor(request.key);
    case "claimNotice":
      return registry.claimNotice(request.claim);
    case "finishNotice":
      return registry.finishNotice(request.end);
    case "releaseNotice":
      return registry.releaseNotice(request.key);
    case "abandonNotices":
      return registry.abandonNotices(request.doneAt, request.of);
    case "listNotices":
      return registry.listNotices(request.query);
    case "sweepNotices":
      return registry.sweepNotices(request.claimedBefore);
    case "saveSubscriptions":
      return registry.saveSubscriptions(request.subscriptions);
    case "takeSubscription":
      return registry.takeSubscription(request.taking);
    case "findSubscription":
      return registry.findSubscription(request.key);
    case "subscriptionById":
      return registry.subscriptionById(request.tenant, request.userId, request.id);
    case "subscriptionsOf":
      return registry.subscriptionsOf(request.tenant, request.userId);
    case "deleteSubscription":
      return registry.deleteSubscription(request.tenant, request.userId, request.id, request.now);
    case "sweepSubscriptions":
      return registry.sweepSubscriptions(request.before);
    case "saveConnections":
      return registry.saveConnections(request.connections);
    case "closeOpenConnections":
      return registry.closeOpenConnections(request.now, request.of);
    case "sweepConnections":
      return registry.sweepConnections(request.before);
    case "close":
      // The registry ends the thread when it has this answer.
      await db.destroy();
      return undefined;
  }
}

async function answer(id: number, work: () => Promise<unknown>): Promise<void> {
  const message: Answer = await work().then(
    (value) => ({ id, value }),
    (error: unknown) => ({
      id,
      error: error instanceof Error ? error.message : String(error),
      code: error instanceof Database.SqliteError ? error.code : undefined,
    }),
  );
  port?.postMessage(message);
}
