/** What clients of the money feed say, over its plain WebSocket and its Socket.IO namespace (contract 30-transactions). */
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import { type FeedClientMessage, ackOf, feedClientMessage } from "@broadtape/protocol/products/transactions/messages";
import { FILTER_NAMES } from "@broadtape/protocol/products/transactions/filters";
import { subscriptionOfQuery } from "@broadtape/protocol/products/transactions/subscription";
import { Abreast } from "../../engine/abreast.ts";
import { isoTime } from "../../engine/clock.ts";
import type { DeliveryRules } from "../../engine/delivery.ts";
import { TokenBucket } from "../../engine/limits.ts";
import type { Session } from "../../engine/session.ts";
import type { CommandRate, Desk } from "../../engine/surface.ts";
import { Feed, type FeedTerms } from "./feed.ts";
import type { Spell } from "./words.ts";

export interface FeedOptions {
  readonly heartbeatMs: number;
  readonly idleMs: number;
  readonly commandRate: CommandRate;
  /** Of acks and pongs, which have a budget of their own: acking a busy feed must not break the limit. */
  readonly ackRate: CommandRate;
  readonly delivery: DeliveryRules;
  /** Of `?window=`. */
  readonly maxWindow: number;
}

/** A token of the same user; the transport's own business. */
export type Reauthenticate = (session: Session, token: string) => Promise<Identity>;

export class FeedConversation {
  readonly #session: Session;
  readonly #desk: Desk;
  readonly #feed: Feed;
  readonly #commands: TokenBucket;
  readonly #acks: TokenBucket;
  readonly #abreast: Abreast;
  readonly #opened: Promise<void>;
  #isOpen = false;

  constructor(options: FeedOptions, session: Session, desk: Desk, spell: Spell, terms: FeedTerms) {
    this.#session = session;
    this.#desk = desk;
    this.#commands = new TokenBucket(desk.clock, options.commandRate.burst, options.commandRate.perSecond);
    this.#acks = new TokenBucket(desk.clock, options.ackRate.burst, options.ackRate.perSecond);
    this.#feed = new Feed(session, desk, spell);
    this.#abreast = new Abreast(desk);
    this.#opened = this.#feed.open(terms);
    // A failure is heard by whoever awaits it; until then it is nobody's.
    this.#opened.then(
      () => (this.#isOpen = true),
      () => undefined,
    );
  }

  /** Settles when the client was greeted. */
  get opened(): Promise<void> {
    return this.#opened;
  }

  /** Takes what the client said, one thing after the other. Throws a Refusal, and has changed nothing then. */
  async receive(said: unknown): Promise<FeedClientMessage> {
    this.#take(said);
    const message = parse(said);
    const turn = this.#abreast.turn(message.type === "subscribe");
    // Else at once: who says goodbye in the same breath is gone a moment later, and its acks count all the same.
    if (!this.#isOpen) await this.#opened;
    if (turn !== undefined) await turn;
    if (this.#session.isClosed) return message;
    switch (message.type) {
      case "subscribe":
        await this.#feed.subscribe(message, message.after ?? undefined);
        break;
      case "unsubscribe":
        await this.#feed.unsubscribe(message.events);
        break;
      case "ack":
        this.#feed.acknowledge(ackOf(message));
        break;
      case "pong":
      case "reauthenticate":
        break;
    }
    return message;
  }

  /** Whether so much came after the limit was told that the connection should end. */
  get isFlooded(): boolean {
    return this.#commands.isFlooded || this.#acks.isFlooded;
  }

  /** What `reauthenticate` is answered with. */
  reauthenticated(identity: Identity) {
    return { type: "reauthenticated", timestamp: isoTime(this.#desk.clock.now()), expiresAt: identity.expiresAt } as const;
  }

  #take(said: unknown): void {
    const type = typeof said === "object" && said !== null && "type" in said ? said.type : undefined;
    const retryAfterMs = (type === "ack" || type === "pong" ? this.#acks : this.#commands).take();
    if (retryAfterMs === undefined) return;
    const refusal = new Refusal("RATE_LIMITED", "too many messages", { retryAfterMs });
    if (this.isFlooded) this.#session.close(refusal);
    throw refusal;
  }
}

function parse(said: unknown): FeedClientMessage {
  if (said === undefined) throw new Refusal("BAD_REQUEST", "the message is not JSON", { path: "" });
  const result = feedClientMessage.safeParse(said);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Refusal("BAD_REQUEST", issue?.message ?? "the message is not valid", { path: issue?.path.join(".") ?? "" });
}

/** What a query (or `auth`) asks for: events and filters at once, a window, no acks. Throws BAD_REQUEST. */
export function termsOf(options: FeedOptions, parameters: URLSearchParams): FeedTerms {
  const isAsked = ["events", ...FILTER_NAMES].some((name) => (parameters.get(name) ?? "") !== "");
  const request = isAsked ? subscriptionOfQuery(parameters) : undefined;
  return { rules: rulesOf(options, parameters), request };
}

function rulesOf({ delivery, maxWindow }: FeedOptions, parameters: URLSearchParams): DeliveryRules | undefined {
  const ack = parameters.get("ack") ?? "";
  if (ack === "none") return undefined;
  if (ack !== "") throw new Refusal("BAD_REQUEST", "must be none, or left out", { path: "ack" });
  const text = parameters.get("window") ?? "";
  if (text === "") return delivery;
  const window = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (window < 1 || window > maxWindow)
    throw new Refusal("BAD_REQUEST", `must be a whole number from 1 to ${maxWindow}`, { path: "window" });
  return { ...delivery, window };
}
