/** What a native client says, over WebSocket or posted beside a stream. */
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import { parseJson } from "@broadtape/protocol/json";
import { type ClientMessage, type RequestId, type SubscribedMessage, type TopicResult, clientMessage } from "@broadtape/protocol/native";
import type { Engine } from "../engine/engine.ts";
import { TokenBucket } from "../engine/limits.ts";
import type { Session } from "../engine/session.ts";
import type { DurableClients } from "./durable.ts";
import { type NativeSurface, errorWords, said } from "./surface.ts";

export interface NativeHost {
  readonly engine: Engine;
  readonly surface: NativeSurface;
  verify(token: string): Promise<Identity>;
  readonly durable: DurableClients;
}

/** Commands that wait while one is carried out; nobody who keeps to the rate comes near it. */
const MAX_QUEUED = 1000;

/** The commands of one connection, in the order they came. */
export class NativeCommands {
  readonly #host: NativeHost;
  readonly #session: Session;
  readonly #bucket: TokenBucket;
  /** Commands are carried out one after the other, in the order they came. Bounded by {@link MAX_QUEUED}. */
  #running: Promise<void> = Promise.resolve();
  #queued = 0;

  constructor(host: NativeHost, session: Session) {
    this.#host = host;
    this.#session = session;
    const { burst, perSecond } = host.surface.options.commandRate;
    this.#bucket = new TokenBucket(host.engine.clock, burst, perSecond);
  }

  /** Takes one message as text. Whatever it is, the answer is a message; only a flood closes the connection. */
  receive(text: string): Promise<void> {
    this.#session.heard();
    this.#queued += 1;
    if (this.#queued > MAX_QUEUED) this.#session.close(new Refusal("RATE_LIMITED", "too many commands at once", { retryAfterMs: 1000 }));
    this.#running = this.#running.then(async () => {
      this.#queued -= 1;
      await this.#receive(text);
    });
    return this.#running;
  }

  async #receive(text: string): Promise<void> {
    if (this.#session.isClosed) return;
    let id: RequestId | undefined;
    try {
      const value = valueOf(text);
      id = idOf(value);
      // Signs of life cost nothing, so that they never use up the commands; what is no JSON costs what a command does.
      if (isPong(value)) return;
      this.#take();
      await this.#run(parseMessage(value));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#session.noteLimit(error);
      this.#session.say(errorWords(error, id));
      if (this.#bucket.isFlooded) this.#session.close(new Refusal("RATE_LIMITED", "commands went on after RATE_LIMITED"));
    }
  }

  #take(): void {
    const retryAfterMs = this.#bucket.take();
    if (retryAfterMs !== undefined) throw new Refusal("RATE_LIMITED", "too many commands", { retryAfterMs });
  }

  async #run(message: ClientMessage): Promise<void> {
    switch (message.type) {
      case "subscribe":
        await this.#subscribe(message);
        return;
      case "unsubscribe":
        this.#unsubscribe(message);
        return;
      case "update":
        this.#update(message);
        return;
      case "ack":
        this.#host.durable.acknowledge(this.#session, message.upTo);
        return;
      case "reauthenticate":
        await this.#reauthenticate(message.token);
        return;
      case "authenticate":
        throw new Refusal("BAD_REQUEST", "the connection is authenticated; use reauthenticate", { path: "type" });
      case "pong":
        return;
    }
  }

  async #subscribe(message: Extract<ClientMessage, { type: "subscribe" }>): Promise<void> {
    const { engine, surface, durable } = this.#host;
    const { topics, maxUpdatesPerSecond, filters, snapshot } = message;
    await engine.current();
    const kept = message.after === undefined ? await durable.find(this.#session) : undefined;
    if (this.#session.isClosed) return;
    const after = message.after ?? kept;
    durable.resuming(this.#session, after);
    const request = { topics: [...new Set(topics)], after, isDurable: kept !== undefined, maxUpdatesPerSecond, filters, snapshot };
    engine.follow(this.#session, request, surface.options.maxTopics, ({ results, cut, snapshots, resync }) => {
      if (resync !== undefined && resync.topics.length > 0) {
        this.#session.say(
          said({ type: "resync", topics: resync.topics, reason: resync.reason, from: (after ?? "").slice(0, 64), head: cut }),
        );
      }
      // Who resumes from a cursor of its own keeps that itself.
      if (message.after === undefined && (kept === undefined || resync !== undefined)) durable.begins(this.#session, cut);
      this.#session.say(subscribedWords(message.id, results, cut, snapshots));
    });
  }

  #unsubscribe({ id, topics }: Extract<ClientMessage, { type: "unsubscribe" }>): void {
    const ended = topics.filter((topic) => this.#host.engine.unfollow(this.#session, topic));
    this.#session.say(said({ type: "unsubscribed", ...(id !== undefined && { id }), topics: ended }));
  }

  #update({ id, topics, maxUpdatesPerSecond }: Extract<ClientMessage, { type: "update" }>): void {
    const results = topics.map((topic): TopicResult =>
      this.#host.engine.setRate(this.#session, topic, maxUpdatesPerSecond ?? undefined)
        ? { topic, ok: true }
        : { topic, ok: false, code: "BAD_REQUEST", message: "is not followed" },
    );
    this.#session.say(said({ type: "updated", ...(id !== undefined && { id }), results }));
  }

  async #reauthenticate(token: string): Promise<void> {
    const identity = await this.#host.verify(token);
    if (this.#session.isClosed) return;
    this.#host.engine.reauthenticate(this.#session, identity);
    this.#session.say(said({ type: "reauthenticated", expiresAt: identity.expiresAt }));
  }
}

/** Written by hand: snapshots are JSON text already. */
function subscribedWords(
  id: SubscribedMessage["id"],
  results: readonly TopicResult[],
  cut: string,
  snapshots: readonly { topic: string; state: string }[],
) {
  const head = id === undefined ? "" : `"id":${JSON.stringify(id)},`;
  const states = snapshots.map(({ topic, state }) => `{"topic":${JSON.stringify(topic)},"state":${state}}`).join(",");
  return {
    name: "subscribed",
    body: `{"type":"subscribed",${head}"results":${JSON.stringify(results)},"cut":"${cut}","snapshots":[${states}]}`,
  };
}

/** Undefined, which JSON has no word for, where the text is not JSON. Of its numbers those in filters keep their digits: they may be amounts. */
function valueOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("filters" in value)) return value;
    const exact = parseJson(text) as typeof value;
    return { ...value, filters: exact.filters };
  } catch {
    return undefined;
  }
}

function parseMessage(value: unknown): ClientMessage {
  if (value === undefined) throw new Refusal("BAD_REQUEST", "the message is not JSON", { path: "" });
  const result = clientMessage.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Refusal("BAD_REQUEST", issue?.message ?? "the message is not valid", { path: issue?.path.join(".") ?? "" });
}

/** The first message of a connection that is not authenticated yet. Throws BAD_REQUEST or UNAUTHORIZED. */
export function authenticateToken(text: string): string {
  const message = parseMessage(valueOf(text));
  if (message.type !== "authenticate") throw new Refusal("UNAUTHORIZED", "the first message must be authenticate");
  return message.token;
}

function idOf(value: unknown): RequestId | undefined {
  if (typeof value !== "object" || value === null || !("id" in value)) return undefined;
  const { id } = value;
  // JSON's 1e999 is a number, and no JSON.
  if (typeof id === "number") return Number.isFinite(id) ? id : undefined;
  return typeof id === "string" && id.length <= 128 ? id : undefined;
}

function isPong(value: unknown): boolean {
  return typeof value === "object" && value !== null && "type" in value && value.type === "pong";
}
