/**
 * The plain WebSocket of the money feed (contract 30-transactions) as a link of the SDK's connection, so that there is one
 * state machine: `connected` is its welcome, `REPLACED` its closing; what it does not know it hands on.
 */
import { parseJson } from "@broadtape/protocol/json";
import type { WelcomeMessage } from "@broadtape/protocol/native";
import type { FeedServerMessage } from "@broadtape/protocol/products/transactions/messages";
import type { Link, LinkMessage, LinkRequest } from "../link.ts";
import type { FeedEnvironment } from "./environment.ts";

export type ConnectedMessage = Extract<FeedServerMessage, { type: "connected" }>;

/** A welcome with the words that it was made of. */
export interface FeedWelcome extends WelcomeMessage {
  readonly connected: ConnectedMessage;
}

const PATH = "/api/v1/ws/transactions";
const PING_MS = 30_000;
/** 100 messages a minute; acks and pongs are not among them. */
export const MESSAGE_LIMITS = { commandsBurst: 90, commandsPerSecond: 1.5 } as const;

export function openFeedLink(
  { url, token, clientId, events }: LinkRequest,
  openSocket: FeedEnvironment["openSocket"],
  window: number | undefined,
): Link {
  let opened = false;
  let isOver = false;
  const end = () => {
    isOver = true;
    socket.close();
  };
  const socket = openSocket(`${url.replace(/^http/, "ws")}${PATH}${queryOf({ token, clientId, window })}`, {
    onText(text) {
      const message = isOver ? undefined : parse(text);
      if (message === undefined) return;
      opened = true;
      // The connection looks at the types that it knows and hands on all others as they are.
      events.onMessage(translated(message) as LinkMessage);
    },
    onClose(reason) {
      if (isOver) return;
      isOver = true;
      if (reason === "REPLACED") events.onMessage(REPLACED);
      else events.onClose({ opened, ...(reason !== "" && { code: reason }) });
    },
  });
  return {
    send: (message) => socket.send(JSON.stringify(message)),
    close: end,
  };
}

const REPLACED: LinkMessage = { type: "closing", code: "REPLACED", reconnect: false };

function translated(message: FeedServerMessage): unknown {
  if (message.type === "error" && message.code === "REPLACED") return REPLACED;
  if (message.type !== "connected") return message;
  return {
    type: "welcome",
    connectionId: message.connectionId,
    serverTime: Date.parse(message.timestamp),
    epoch: "",
    head: "",
    heartbeatMs: PING_MS,
    limits: { topics: 1, ...MESSAGE_LIMITS },
    connected: message,
  } satisfies FeedWelcome;
}

/** Amounts keep their digits. Undefined for what is no message. */
function parse(text: string): FeedServerMessage | undefined {
  try {
    const value = parseJson(text);
    // The server speaks the protocol; what it may add later is ignored by type.
    return typeof value === "object" && value !== null && "type" in value ? (value as FeedServerMessage) : undefined;
  } catch {
    return undefined;
  }
}

function queryOf(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? "" : `?${query}`;
}
