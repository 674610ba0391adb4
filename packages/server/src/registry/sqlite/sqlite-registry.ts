/** The embedded registry: a SQLite file of its own, in a thread of its own. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import {
  type CookieSession,
  type DurableCursor,
  type NoticeClaim,
  type NoticeEnd,
  type NoticeKey,
  type NoticeQuery,
  type NoticeRecord,
  type OfNodes,
  type Registry,
  RegistryUnavailable,
} from "../registry.ts";
import type { KeptConnection, KeptSubscription, ListedSubscription, SubscriptionKey, Taken, Taking } from "../subscriptions.ts";
import type { Answer, Request, WorkerStart } from "./messages.ts";

export const REGISTRY_FILE = "registry.db";

/** Opens or creates the registry in this directory. Rejects with an Error that names the file and what is wrong with it. */
export async function openSqliteRegistry(directory: string): Promise<Registry> {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, REGISTRY_FILE);
  const registry = new SqliteRegistry(file);
  try {
    await registry.opened;
  } catch (error) {
    await registry.terminate();
    const reason = error instanceof RegistryUnavailable && error.cause !== undefined ? error.cause : error;
    throw new Error(`${file} cannot be opened as a Broadtape registry: ${reason instanceof Error ? reason.message : String(reason)}`, {
      cause: reason,
    });
  }
  return registry;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

class SqliteRegistry implements Registry {
  /** Settles when the thread has opened the file. */
  readonly opened: Promise<unknown>;
  readonly #worker: Worker;
  /** Requests without an answer, by id. */
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  /** Why no request is taken any more. */
  #end: Error | undefined;

  constructor(file: string) {
    const start: WorkerStart = { file };
    const url = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
    this.opened = this.#await(0);
    this.#worker = new Worker(url, { workerData: start });
    this.#worker.on("message", (answer: Answer) => {
      this.#settle(answer);
    });
    this.#worker.on("error", (error: unknown) => {
      this.#fail(new RegistryUnavailable("the registry has failed", error));
    });
    this.#worker.on("exit", () => {
      this.#fail(new RegistryUnavailable("the registry is closed"));
    });
  }

  async saveSession(session: CookieSession): Promise<void> {
    await this.#ask({ kind: "saveSession", session });
  }

  async findSession(idHash: string): Promise<CookieSession | undefined> {
    return (await this.#ask({ kind: "findSession", idHash })) as CookieSession | undefined;
  }

  async endSession(idHash: string): Promise<boolean> {
    return (await this.#ask({ kind: "endSession", idHash })) as boolean;
  }

  async sweepSessions(now: number): Promise<number> {
    return (await this.#ask({ kind: "sweepSessions", now })) as number;
  }

  async saveCursors(cursors: readonly DurableCursor[]): Promise<void> {
    if (cursors.length > 0) await this.#ask({ kind: "saveCursors", cursors });
  }

  async findCursor({
    tenant,
    userId,
    clientId,
    surface,
  }: Pick<DurableCursor, "tenant" | "userId" | "clientId" | "surface">): Promise<DurableCursor | undefined> {
    return (await this.#ask({ kind: "findCursor", key: { tenant, userId, clientId, surface } })) as DurableCursor | undefined;
  }

  async claimNotice(claim: NoticeClaim): Promise<boolean> {
    return (await this.#ask({ kind: "claimNotice", claim })) as boolean;
  }

  async finishNotice(end: NoticeEnd): Promise<boolean> {
    return (await this.#ask({ kind: "finishNotice", end })) as boolean;
  }

  async releaseNotice({ tenant, eventId }: NoticeKey): Promise<boolean> {
    return (await this.#ask({ kind: "releaseNotice", key: { tenant, eventId } })) as boolean;
  }

  async abandonNotices(doneAt: number, of?: OfNodes): Promise<number> {
    return (await this.#ask({ kind: "abandonNotices", doneAt, of })) as number;
  }

  async listNotices(query: NoticeQuery): Promise<readonly NoticeRecord[]> {
    return (await this.#ask({ kind: "listNotices", query })) as readonly NoticeRecord[];
  }

  async sweepNotices(claimedBefore: number): Promise<number> {
    return (await this.#ask({ kind: "sweepNotices", claimedBefore })) as number;
  }

  async saveSubscriptions(subscriptions: readonly KeptSubscription[]): Promise<readonly SubscriptionKey[]> {
    if (subscriptions.length === 0) return [];
    return (await this.#ask({ kind: "saveSubscriptions", subscriptions })) as readonly SubscriptionKey[];
  }

  async takeSubscription(taking: Taking): Promise<Taken> {
    return (await this.#ask({ kind: "takeSubscription", taking })) as Taken;
  }

  async findSubscription({ tenant, userId, clientId }: SubscriptionKey): Promise<KeptSubscription | undefined> {
    return (await this.#ask({ kind: "findSubscription", key: { tenant, userId, clientId } })) as KeptSubscription | undefined;
  }

  async subscriptionById(tenant: string, userId: string, id: string): Promise<KeptSubscription | undefined> {
    return (await this.#ask({ kind: "subscriptionById", tenant, userId, id })) as KeptSubscription | undefined;
  }

  async subscriptionsOf(tenant: string, userId: string): Promise<readonly ListedSubscription[]> {
    return (await this.#ask({ kind: "subscriptionsOf", tenant, userId })) as readonly ListedSubscription[];
  }

  async deleteSubscription(tenant: string, userId: string, id: string, now: number): Promise<boolean> {
    return (await this.#ask({ kind: "deleteSubscription", tenant, userId, id, now })) as boolean;
  }

  async sweepSubscriptions(before: number): Promise<number> {
    return (await this.#ask({ kind: "sweepSubscriptions", before })) as number;
  }

  async saveConnections(connections: readonly KeptConnection[]): Promise<void> {
    if (connections.length > 0) await this.#ask({ kind: "saveConnections", connections });
  }

  async closeOpenConnections(now: number, of?: OfNodes): Promise<number> {
    return (await this.#ask({ kind: "closeOpenConnections", now, of })) as number;
  }

  async sweepConnections(before: number): Promise<number> {
    return (await this.#ask({ kind: "sweepConnections", before })) as number;
  }

  /** Finishes what was asked before. */
  async close(): Promise<void> {
    if (this.#end !== undefined) return;
    const closed = this.#ask({ kind: "close" });
    this.#end = new RegistryUnavailable("the registry is closed");
    await closed;
    await this.#worker.terminate();
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  /** The answer's type is that of the same method in `sql.ts`. */
  async #ask(request: Request): Promise<unknown> {
    if (this.#end !== undefined) throw this.#end;
    const id = ++this.#lastId;
    const answer = this.#await(id);
    this.#worker.postMessage({ id, request });
    return answer;
  }

  async #await(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("error" in answer) waiting?.reject(errorOf(answer));
    else waiting?.resolve(answer.value);
  }

  #fail(error: Error): void {
    this.#end ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** What contradicts what is stored is the asker's fault; every other failure of the database may be over soon. */
function errorOf({ error, code }: Extract<Answer, { error: string }>): Error {
  const cause = new Error(error);
  return code === undefined || code.startsWith("SQLITE_CONSTRAINT")
    ? cause
    : new RegistryUnavailable("the registry does not answer", cause);
}
