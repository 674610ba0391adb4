/** What the money feed says on each of its surfaces: one set of messages, three ways to write them (contract 30-transactions). */
import type { Refusal } from "@broadtape/protocol/errors";
import { ledgerId, parseEventId } from "@broadtape/protocol/event-id";
import { parseJson } from "@broadtape/protocol/json";
import { feedEventOf } from "@broadtape/protocol/products/transactions/events";
import type { FeedServerMessage } from "@broadtape/protocol/products/transactions/messages";
import { feedMessageOf } from "@broadtape/protocol/products/transactions/words";
import { isoTime } from "../../engine/clock.ts";
import type { Message, Surface, Words } from "../../engine/message.ts";

/** Writes a message as the surface does. */
export type Spell = (message: FeedServerMessage) => Words;

/** As JSON text with its type in it: plain WebSocket and event streams. */
export const spellPlain: Spell = (message) => ({ name: message.type, body: JSON.stringify(message), id: idOf(message) });

/** The events under one name; everything else under its type. */
export const spellNamed: Spell = (message) => {
  if (feedEventOfMessage(message)) return { name: "event", body: JSON.stringify(message) };
  const { type, ...body } = message;
  return { name: type, body: JSON.stringify(body) };
};

function feedEventOfMessage({ type }: FeedServerMessage): boolean {
  return type === "transaction" || type === "balance" || type === "wallet" || type === "fraud";
}

function idOf(message: FeedServerMessage): string | undefined {
  return "eventId" in message && typeof message.eventId === "string" ? message.eventId : undefined;
}

/** The words that all three surfaces share. */
export function feedWords(spell: Spell): Pick<Surface, "word" | "wordRedelivered" | "heartbeat" | "refuse" | "tells"> {
  return {
    tells: ({ event }) => feedEventOf(event) !== undefined,
    word: (message) => spell(feedMessage(message)),
    wordRedelivered: (message, attempt) => spell({ ...feedMessage(message), redelivered: true, attempt }),
    heartbeat: (lastEventId, now) => spell({ type: "ping", timestamp: isoTime(now), lastEventId: ledgerIdOf(lastEventId) }),
    refuse: (refusal) => spell(errorOf(refusal)),
  };
}

export function errorOf({ code, message, details }: Refusal): FeedServerMessage {
  return { type: "error", code, message, ...details };
}

function feedMessage(message: Message) {
  const told = feedMessageOf(message.event, parseJson(message.data), { eventId: ledgerIdOf(message.eventId), time: message.time });
  if (told === undefined) throw new Error(`${message.event} is none of the money feed's`);
  return told;
}

/** The feed's own spelling of an id. */
export function ledgerIdOf(eventId: string): string {
  const place = parseEventId(eventId);
  return place === undefined ? eventId : ledgerId(place.epoch, place.offset);
}
