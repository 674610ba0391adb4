/** The three surfaces of the money feed: plain WebSocket, Socket.IO, and event stream (contract 30-transactions). */
import { Refusal } from "@broadtape/protocol/errors";
import { parseJson } from "@broadtape/protocol/json";
import { FEED_EVENTS } from "@broadtape/protocol/products/transactions/events";
import { FILTER_NAMES } from "@broadtape/protocol/products/transactions/filters";
import { subscribed, subscriptionOfQuery, type SubscriptionRequest } from "@broadtape/protocol/products/transactions/subscription";
import type { Session } from "../../engine/session.ts";
import type { Desk, SocketSurface, StreamPlan, StreamSurface, TextSurface } from "../../engine/surface.ts";
import { FeedConversation, type FeedOptions, type Reauthenticate, termsOf } from "./conversation.ts";
import { topicOf } from "./declaration.ts";
import { Feed } from "./feed.ts";
import { errorOf, feedWords, spellNamed, spellPlain } from "./words.ts";

const PATH = "/api/v1/ws/transactions";

export function transactionsWebSocket(options: FeedOptions, desk: Desk, reauthenticate: Reauthenticate): TextSurface {
  return {
    ...feedWords(spellPlain),
    name: "transactions",
    path: PATH,
    heartbeatMs: options.heartbeatMs,
    idleMs: options.idleMs,
    checkParameters: (parameters) => {
      termsOf(options, parameters);
    },
    open(session, parameters) {
      const conversation = new FeedConversation(options, session, desk, spellPlain, termsOf(options, parameters));
      conversation.opened.catch((error: unknown) => {
        desk.onFault(error);
        session.close(new Refusal("SLOW_CONSUMER", "the subscription could not be read; come back later"));
      });
      // Not one after the other: acks make room for what a subscription still waits for.
      return { receive: (text) => converse(conversation, session, text, reauthenticate) };
    },
  };
}

async function converse(conversation: FeedConversation, session: Session, text: string, reauthenticate: Reauthenticate): Promise<void> {
  if (session.isClosed) return;
  try {
    const message = await conversation.receive(valueOf(text));
    if (message.type !== "reauthenticate") return;
    const identity = await reauthenticate(session, message.token);
    session.say(spellPlain(conversation.reauthenticated(identity)));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    session.noteLimit(error);
    session.say(spellPlain(errorOf(error)));
  }
}

/** Undefined, which JSON has no word for, where the text is not JSON. */
function valueOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

export function transactionsSocket(options: FeedOptions): SocketSurface {
  const conversations = new WeakMap<Session, FeedConversation>();
  return {
    ...feedWords(spellNamed),
    name: "transactions-socket-io",
    path: PATH,
    heartbeatMs: options.heartbeatMs,
    idleMs: options.idleMs,
    // Acks come as fast as events; what is not an ack has a budget of its own behind this one.
    commandRate: options.ackRate,
    async open(session, desk, parameters) {
      const conversation = new FeedConversation(options, session, desk, spellNamed, termsOf(options, parameters));
      conversations.set(session, conversation);
      await conversation.opened;
    },
    // The conversation waits by itself, on both of its surfaces.
    looksAtViews: new Set(),
    async receive(session, _desk, command, body) {
      if (!["subscribe", "unsubscribe", "ack", "pong"].includes(command))
        throw new Refusal("BAD_REQUEST", `${command.slice(0, 64)} is not a command of this namespace`, { path: "type" });
      if (body !== undefined && body !== null && (typeof body !== "object" || Array.isArray(body)))
        throw new Refusal("BAD_REQUEST", "must be an object", { path: "" });
      await conversations.get(session)?.receive({ ...body, type: command });
      return { success: true };
    },
    answerRefused: ({ code, message, details }) => ({ success: false, error: code, message, ...details }),
  };
}

interface FeedPlan extends StreamPlan {
  readonly request: SubscriptionRequest;
}

export function transactionsStream(options: Pick<FeedOptions, "heartbeatMs">): StreamSurface<FeedPlan> {
  return {
    ...feedWords(spellPlain),
    name: "transactions-stream",
    path: "/api/v1/sse/transactions",
    about: {
      summary: "One's own transactions, balances, wallets and fraud alerts; none is left out",
      events: ["connected", "subscribed", ...FEED_EVENTS, "ping", "resync", "error"],
      query: {
        events: `Of ${FEED_EVENTS.join(", ")}, separated by commas; without it, transactions and balances.`,
        ...Object.fromEntries(FILTER_NAMES.map((name) => [name, "Narrows transactions."])),
        clientId: "What the client calls itself, to go on where it was.",
      },
    },
    heartbeatMs: options.heartbeatMs,
    plan(query, { userId }) {
      const request = subscriptionOfQuery(query);
      return { request, topics: subscribed(undefined, request).events.map((event) => topicOf(event, userId)) };
    },
    async open(session, desk, { request }, after) {
      await new Feed(session, desk, spellPlain).open({ rules: undefined, request, after });
    },
  };
}
