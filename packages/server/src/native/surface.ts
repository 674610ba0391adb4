/** The native protocol (contract 60-native): any topic of any product on one connection, with one cursor. */
import { Refusal } from "@broadtape/protocol/errors";
import type { RequestId, ServerMessage } from "@broadtape/protocol/native";
import type { Message, Surface, Words } from "../engine/message.ts";
import type { Session } from "../engine/session.ts";
import type { CommandRate, Desk } from "../engine/surface.ts";

export interface NativeOptions {
  readonly heartbeatMs: number;
  readonly idleMs: number;
  readonly maxTopics: number;
  readonly commandRate: CommandRate;
}

export interface NativeSurface extends Surface {
  readonly options: NativeOptions;
  welcome(session: Session, desk: Desk): void;
}

export function nativeSurface(options: NativeOptions): NativeSurface {
  return {
    name: "native",
    options,
    heartbeatMs: options.heartbeatMs,
    word: (message) => ({ name: "event", body: eventBody(message), id: idOf(message) }),
    wordRedelivered: (message, attempt) => ({
      name: "event",
      body: `${eventBody(message).slice(0, -1)},"redelivered":true,"attempt":${attempt}}`,
      id: idOf(message),
    }),
    wordConflated: (message, replaced) => ({
      name: "event",
      body: `${eventBody(message).slice(0, -1)},"conflated":${replaced}}`,
      id: idOf(message),
    }),
    wordBatch: (messages) => ({
      name: "batch",
      body: `{"type":"batch","events":[${messages.map(eventBody).join(",")}]}`,
      id: messages.at(-1)?.eventId,
    }),
    heartbeat: (lastEventId, now) => said({ type: "ping", serverTime: now, lastEventId }),
    refuse: (refusal) => said({ type: "error", code: refusal.code, message: refusal.message, ...refusal.details }),
    farewell: ({ code }, reconnectAfterMs) =>
      said({
        type: "closing",
        code,
        reconnect: reconnectAfterMs !== undefined,
        ...(reconnectAfterMs !== undefined && { reconnectAfterMs }),
      }),
    lagging: (lane, behindMs) => said({ type: "lagging", behindMs: Math.round(behindMs), lane }),
    caughtUp: () => said({ type: "caughtUp" }),
    revoked: (topics) => said({ type: "revoked", topics }),
    welcome(session, desk) {
      const { burst, perSecond } = options.commandRate;
      session.say(
        said({
          type: "welcome",
          connectionId: session.id,
          serverTime: desk.clock.now(),
          epoch: desk.epoch.toString(16).padStart(4, "0"),
          head: desk.cursorAt(desk.routedTo),
          heartbeatMs: options.heartbeatMs,
          limits: { topics: options.maxTopics, commandsBurst: burst, commandsPerSecond: perSecond },
        }),
      );
    },
  };
}

/** A message as words: its type is its name. */
export function said(message: ServerMessage): Words {
  return { name: message.type, body: JSON.stringify(message) };
}

/** A refusal of one command, or of none in particular. */
export function errorWords(refusal: Refusal, id: RequestId | undefined): Words {
  return said({ type: "error", ...(id !== undefined && { id }), code: refusal.code, message: refusal.message, ...refusal.details });
}

/** What the clock brings has none. */
function idOf({ eventId }: Message): string | undefined {
  return eventId === "" ? undefined : eventId;
}

/** Built by hand around the data's own text, so that its digits stay. */
function eventBody(message: Message): string {
  const { topic, event, eventId, time, data, key, correlationId } = message;
  const conflation = key === undefined ? "" : `,"key":${JSON.stringify(key)}`;
  const id = eventId === "" ? "" : `"eventId":"${eventId}",`;
  const correlation = correlationId === "" ? "" : `,"correlationId":${JSON.stringify(correlationId)}`;
  return `{"type":"event","topic":${JSON.stringify(topic)},"event":"${event}",${id}"time":"${time}","data":${data}${conflation}${correlation}}`;
}
