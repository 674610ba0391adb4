/** Who is told what of the feed. */
import type { FeedEventMessage, FeedServerMessage } from "@broadtape/protocol/products/transactions/messages";
import type { ConnectionStatus } from "../connection-state.ts";
import { safely } from "../store.ts";
import type { FeedError } from "./feed-error.ts";
import type { ConnectedMessage } from "./feed-link.ts";
import type { Taker } from "./hand-out.ts";

/** What can be listened to. An event is acknowledged when all of its callbacks have returned, and their promises resolved. */
export interface FeedCallbacks {
  readonly transaction: (message: Extract<FeedEventMessage, { type: "transaction" }>) => unknown;
  readonly balance: (message: Extract<FeedEventMessage, { type: "balance" }>) => unknown;
  readonly wallet: (message: Extract<FeedEventMessage, { type: "wallet" }>) => unknown;
  readonly fraud: (message: Extract<FeedEventMessage, { type: "fraud" }>) => unknown;
  /** What was missed cannot be sent; the balances as they stand follow. */
  readonly resync: (message: Extract<FeedServerMessage, { type: "resync" }>) => void;
  readonly connected: (message: ConnectedMessage) => void;
  readonly disconnected: (status: ConnectionStatus) => void;
  /** A refusal, or the end for good. Without such a callback they go to `onError`. */
  readonly error: (error: FeedError) => void;
}

/** What is told without being acknowledged. */
type Told = "resync" | "connected" | "disconnected" | "error";

type Registrations = { readonly [Name in keyof FeedCallbacks]: Set<{ readonly callback: FeedCallbacks[Name] }> };

export class Callbacks {
  readonly #onError: (error: unknown) => void;
  readonly #registered: Registrations = {
    transaction: new Set(),
    balance: new Set(),
    wallet: new Set(),
    fraud: new Set(),
    resync: new Set(),
    connected: new Set(),
    disconnected: new Set(),
    error: new Set(),
  };

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  on<Name extends keyof FeedCallbacks>(name: Name, callback: FeedCallbacks[Name]): () => void {
    const registered: Registrations[Name] = this.#registered[name];
    const registration = { callback };
    registered.add(registration);
    return () => {
      registered.delete(registration);
    };
  }

  /** Those who take events of this message's type. */
  takersOf({ type }: FeedEventMessage): Iterable<Taker> {
    // Registered for this type, so that they take such a message.
    return this.#registered[type] as ReadonlySet<Taker>;
  }

  tell<Name extends Told>(name: Name, body: Parameters<FeedCallbacks[Name]>[0]): void {
    const registered = [...this.#registered[name]] as readonly { readonly callback: (told: typeof body) => void }[];
    if (name === "error" && registered.length === 0) this.#onError(body);
    for (const { callback } of registered) safely(() => callback(body), this.#onError);
  }
}
