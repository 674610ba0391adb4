/** One of the event streams of contract part 5, in browsers and Node.js: opened at once, resumed for ever. */
import { parseJson } from "@broadtape/protocol/json";
import type { ConnectionOptions } from "../connection-options.ts";
import { errorTaker } from "../environment.ts";
import type { PersistOptions } from "../persist.ts";
import { type Store, safely } from "../store.ts";
import { type StreamEnvironment, streamEnvironment } from "./environment.ts";
import { type StreamMessages, isShaped } from "./messages.ts";
import { ReloadKeeper } from "./reload.ts";
import { SharedLine, sharedNameOf } from "./shared-line.ts";
import { type StreamStores, storesOf } from "./shown.ts";
import { StreamConnection, type StreamLine, type StreamText } from "./stream-connection.ts";
import { type Kept, StreamMemory } from "./stream-memory.ts";
import { type StreamAccess, type StreamRequest, addressOf, credentialsOf, pathOf } from "./stream-request.ts";
import { StreamError, type StreamStatus } from "./stream-status.ts";

/** How streams are opened, whichever they are. */
export interface StreamOptions extends StreamAccess, Pick<ConnectionOptions, "onError"> {
  /** Keeps what is known in that storage over a reload of the page, which then resumes: what came meanwhile is told. */
  readonly persist?: PersistOptions | undefined;
  /** One connection for all tabs of the browser; default true where there are tabs, that is BroadcastChannel and Web Locks. */
  readonly shared?: boolean | undefined;
  readonly environment?: Partial<StreamEnvironment> | undefined;
}

export interface StreamClientOptions extends StreamOptions, StreamRequest {}

type Callback<Name extends keyof StreamMessages> = (message: StreamMessages[Name]) => void;

/**
 * Each message once, in order, resumed after every cut by the id of the last one. Ninety seconds without a word end a connection that looks
 * alive. What is malformed goes to `onError`, and the stream goes on. It ends where the server refuses it (`status` says why) or has too many
 * connections of this user (`limit`); then {@link StreamClient.connect} opens it again.
 *
 * @example
 * const orders = new StreamClient({ url: "https://tape.example", stream: "orders", token: fetchToken });
 * orders.on("order:fill", ({ orderId, filledQty }) => notify(orderId, filledQty));
 * orders.stores.orders.subscribe(() => show(orders.stores.orders.get()));
 */
export class StreamClient {
  /** External stores; those that the stream has no word of stay empty. */
  readonly stores: StreamStores;
  readonly #options: StreamClientOptions;
  readonly #onError: (error: unknown) => void;
  readonly #memory: StreamMemory;
  readonly #line: StreamLine;
  readonly #keeper: ReloadKeeper | undefined;
  readonly #callbacks = new Map<string, Set<(message: never) => void>>();
  /** Of the page before, until the server says whose stream it is. */
  #kept: Kept | undefined;

  constructor(options: StreamClientOptions) {
    const environment = { ...streamEnvironment(), ...options.environment };
    const onError = errorTaker(options.onError);
    const memory = new StreamMemory(options.stream, onError);
    this.#options = options;
    this.#onError = onError;
    this.#memory = memory;
    this.stores = storesOf(memory.state);
    this.#keeper = options.persist && new ReloadKeeper(options.persist, pathOf(options), environment, onError, () => memory.keep());
    this.#kept = this.#keeper?.before;
    this.#line = this.#lineOf(environment);
    this.#line.connect();
  }

  /** How the stream is: `live`, `stale` since when, `closed` and why. */
  get status(): Store<StreamStatus> {
    return this.#line.status;
  }

  /** Calls back with each message of this name; returns a function that ends it. */
  on<Name extends keyof StreamMessages>(name: Name, callback: Callback<Name>): () => void {
    const callbacks = this.#callbacks.get(name) ?? new Set();
    this.#callbacks.set(name, callbacks.add(callback));
    return () => {
      callbacks.delete(callback);
    };
  }

  /** Opens it again after it was closed; while it waits for its next attempt, at once. */
  connect(): void {
    this.#line.connect();
  }

  /** Ends it until {@link connect}. */
  close(): void {
    this.#keeper?.close();
    this.#line.close("closed by the client");
  }

  #lineOf(environment: StreamEnvironment): StreamLine {
    const { shared = true, token } = this.#options;
    const onError = this.#onError;
    const address = addressOf(this.#options, this.#options);
    const plan = { address, credentials: credentialsOf(this.#options), token, environment, onError };
    const cursor = () => this.#kept?.cursor ?? this.#memory.cursor;
    const { tabs } = environment;
    if (!shared || tabs === undefined) return new StreamConnection(plan, { cursor, onText: (text) => this.#take(text) });
    const connection = new StreamConnection(plan, { cursor, onText: (text) => line.heard(text) });
    const host = {
      keep: () => this.#memory.keep(),
      adopt: (kept: Kept | undefined) => this.#adopt(kept),
      onText: (text: StreamText) => this.#take(text),
    };
    const line = new SharedLine(() => sharedNameOf(address, token), tabs, connection, host, { environment, onError });
    return line;
  }

  #take({ event, data: text, id }: StreamText): void {
    const data = this.#parsed(event, text);
    if (data !== undefined && !this.#receive(event, data)) return;
    // Also past what is malformed: it would be no better the next time.
    if (id !== undefined && id !== "") this.#memory.moved(id);
    this.#keeper?.moved();
  }

  #parsed(event: string, text: string): Readonly<Record<string, unknown>> | undefined {
    let data: unknown;
    try {
      data = parseJson(text);
    } catch (error) {
      this.#onError(new StreamError(`${event}: its data is no JSON`, event, error));
      return undefined;
    }
    if (isShaped(event, data)) return data;
    this.#onError(new StreamError(`${event}: its data lacks what it is about`, event));
    return undefined;
  }

  /** False where it is somebody else's stream. */
  #receive(event: string, data: Readonly<Record<string, unknown>>): boolean {
    const memory = this.#memory;
    // Of these names the shape was looked at.
    switch (event) {
      case "connected":
        if (!this.#isOf(userOf(data as StreamMessages["connected"]))) return false;
        break;
      case "heartbeat":
        memory.moved((data as StreamMessages["heartbeat"]).lastEventId);
        break;
      case "resync":
        memory.resync();
        break;
      case "limit":
        if (data["reconnect"] === false) this.#line.refused("LIMIT_REACHED");
        break;
      case "error":
        this.#failed(data as StreamMessages["error"]);
        break;
      default:
        if (!memory.isNew(event, data)) return true;
        safely(() => memory.fold(event, data), this.#onError);
    }
    for (const callback of [...(this.#callbacks.get(event) ?? [])]) safely(() => callback(data as never), this.#onError);
    return true;
  }

  /** Greeted as this user. Where that is another one than before, nothing of before counts, and the stream begins anew. */
  #isOf(user: string): boolean {
    const memory = this.#memory;
    const kept = this.#kept;
    this.#kept = undefined;
    const before = kept?.user ?? memory.user;
    if ((before !== undefined && before !== user) || (kept !== undefined && !memory.adopt(kept))) {
      memory.forget();
      this.#line.again(0);
      return false;
    }
    memory.user = user;
    this.#line.greeted();
    return true;
  }

  #adopt(kept: Kept | undefined): void {
    this.#kept = undefined;
    if (kept === undefined || !this.#memory.adopt(kept)) this.#memory.forget();
  }

  #failed({ code, reconnectAfterMs }: StreamMessages["error"]): void {
    const isOfToken = code === "TOKEN_EXPIRED" || code === "AUTH_FAILED" || code === "UNAUTHORIZED";
    if (FINAL.has(code) || (isOfToken && typeof this.#options.token === "string")) this.#line.refused(code);
    else this.#line.again(isOfToken ? 0 : reconnectAfterMs);
  }
}

/** Refusals that asking again does not lift. */
const FINAL: ReadonlySet<string> = new Set(["FORBIDDEN", "BAD_REQUEST"]);

/** A stream's client is called `{userId}-{stream}-{timestamp}`. */
function userOf({ clientId, stream }: StreamMessages["connected"]): string {
  const end = clientId.lastIndexOf(`-${stream}-`);
  return end < 0 ? clientId : clientId.slice(0, end);
}
