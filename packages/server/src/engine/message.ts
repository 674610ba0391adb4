/** What is told on a topic, and how it travels: encoded once per wire form, shared by reference among all receivers. */
import type { Offset } from "@broadtape/protocol/event-id";
import type { Refusal } from "@broadtape/protocol/errors";

/** One event as the followers of one topic are told it. */
export class Message {
  readonly tenant: string;
  readonly topic: string;
  readonly event: string;
  /** JSON text of an object. */
  readonly data: string;
  readonly offset: Offset;
  readonly batch: Offset;
  readonly eventId: string;
  readonly time: string;
  readonly correlationId: string;
  /** The conflation key; undefined in the lossless class. */
  readonly key: string | undefined;
  /** When its publisher's request came in, on the monotonic clock; 0 for replayed ones. */
  readonly receivedAt: number;
  /** When the log stamped it, by the clock that all nodes go by; 0 where it is no event of the log. */
  readonly storedAt: number;
  /** The frame of the form that asked first, and those of others: most messages travel in one form. */
  #form: Form | undefined;
  #frame: Buffer | undefined;
  #others: Map<Form, Buffer> | undefined;

  constructor(fields: Omit<Message, "frame" | "size">) {
    this.tenant = fields.tenant;
    this.topic = fields.topic;
    this.event = fields.event;
    this.data = fields.data;
    this.offset = fields.offset;
    this.batch = fields.batch;
    this.eventId = fields.eventId;
    this.time = fields.time;
    this.correlationId = fields.correlationId;
    this.key = fields.key;
    this.receivedAt = fields.receivedAt;
    this.storedAt = fields.storedAt;
  }

  /** About how many bytes it takes on a wire; for limits. */
  get size(): number {
    return this.data.length + 160;
  }

  /** The message framed for one kind of connection; the same object for everybody who asks. */
  frame(form: Form): Buffer {
    if (this.#form === form && this.#frame !== undefined) return this.#frame;
    const known = this.#others?.get(form);
    if (known !== undefined) return known;
    const frame = form.frame(form.surface.word(this));
    if (this.#form === undefined) {
      this.#form = form;
      this.#frame = frame;
    } else {
      this.#others ??= new Map();
      this.#others.set(form, frame);
    }
    return frame;
  }
}

/** One message as a client reads it: its name, a JSON text, and the event id where the wire has a place of its own for it. */
export interface Words {
  readonly name: string;
  /** JSON text of an object. */
  readonly body: string;
  readonly id?: string | undefined;
  /** A comment to go with it, where the wire has comments. */
  readonly comment?: string | undefined;
}

/** How a surface words what the engine has to say. All pure: the same message reads the same for everybody. */
export interface Surface {
  readonly name: string;
  readonly heartbeatMs: number;
  /** Connections of a user to all surfaces of that crowd, beyond which the oldest is closed. */
  readonly crowd?: { readonly name: string; readonly most: number };
  /** False: heartbeats only after that long without any message. */
  readonly beatsWhenBusy?: boolean;
  word(message: Message): Words;
  /** True for lossless messages whose delivery to each client is told to the operator. */
  reports?(message: Message): boolean;
  /** False for messages that this surface has no words for; without it, it has words for all. */
  tells?(message: Message): boolean;
  /** Its clients see no topics: an event that is told on several of those that one follows is told it once. */
  readonly isOneFeed?: true;
  /** Several events of one publish batch; without it they are sent one by one, in one write. */
  wordBatch?(messages: readonly Message[]): Words;
  /** A message that was sent before and not acknowledged; without it as any message. `attempt` is 2 the first time. */
  wordRedelivered?(message: Message, attempt: number): Words;
  /** A value that replaced `replaced` older ones; without it as any message. */
  wordConflated?(message: Message, replaced: number): Words;
  heartbeat(lastEventId: string, now: number): Words;
  refuse(refusal: Refusal): Words;
  /** Said before a connection ends by the server's will. Without `reconnectAfterMs` coming back makes no sense. */
  farewell?(refusal: Refusal, reconnectAfterMs: number | undefined): Words;
  lagging?(lane: "lossless" | "conflated", behindMs: number): Words;
  caughtUp?(): Words;
  revoked?(topics: readonly string[]): Words;
}

/** A surface's words framed for one kind of connection. */
export interface Form {
  readonly surface: Surface;
  /** The client resumes from the newest {@link Words.id} that it read (WHATWG HTML 9.2), so that one may pass nothing that still waits. The same for all forms of a connection. */
  readonly keepsCursor?: true;
  frame(words: Words): Buffer;
  /** Frames as one write. */
  join(frames: readonly Buffer[]): Buffer;
}

/** What a connection is owed in one turn. The same object for all who are owed the same. */
export interface Parcel {
  /** Messages in order, each framed. */
  readonly frames: readonly Buffer[];
  /** How many messages stand in it. */
  readonly count: number;
  /** All frames as one buffer, made at first use and shared. */
  readonly bytes: Buffer;
}

/** The transport's end of a session. */
export interface Connection {
  /** What the client brings back with its cursor, where the wire carries one. Letters that mean something to the surface. */
  mark?: string;
  /** May change during its life (a polling connection that becomes a WebSocket). */
  readonly form: Form;
  /** False while what was sent before still waits; `Session.ready()` is called when that is over. */
  readonly ready: boolean;
  /** Bytes handed over and not yet taken by the system. */
  readonly unsentBytes: number;
  /** Its client says nothing on it. */
  readonly isOneWay?: true;
  /** What the transport calls it, where that is told to clients. */
  readonly socketId?: string;
  send(parcel: Parcel): void;
  /** Ends the connection after what was sent; forcibly when that does not drain within a few seconds. */
  close(refusal: Refusal): void;
  /** Ends it at once, as a broken line does: nothing is said, and what was not sent yet is lost with it. */
  cut(): void;
}

/** Adds `eventId` to a JSON text of an object. */
export function withEventId(object: string, eventId: string): string {
  return object === "{}" ? `{"eventId":"${eventId}"}` : `${object.slice(0, -1)},"eventId":"${eventId}"}`;
}
