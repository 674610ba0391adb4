/** A client's end that reads when the test lets it, and a surface whose words are easy to read. */
import type { Refusal } from "@broadtape/protocol/errors";
import { type Connection, type Form, Message, type Parcel, type Surface } from "../src/engine/message.ts";

/** Words as they were framed: name and body. */
export type Heard = readonly [name: string, body: unknown];

export function testSurface(over: Partial<Surface> = {}): Surface {
  return {
    name: "test",
    heartbeatMs: 1e9,
    word: ({ topic, data, offset }) => ({ name: "event", body: JSON.stringify({ topic, offset, data: JSON.parse(data) as unknown }) }),
    heartbeat: (lastEventId) => ({ name: "heartbeat", body: JSON.stringify({ lastEventId }) }),
    refuse: ({ code }) => ({ name: "error", body: JSON.stringify({ code }) }),
    ...over,
  };
}

/** Frames are JSON lines. */
export function testForm(surface: Surface = testSurface()): Form {
  return {
    surface,
    frame: ({ name, body }) => Buffer.from(`${JSON.stringify([name, JSON.parse(body) as unknown])}\n`),
    join: (frames) => Buffer.concat(frames),
  };
}

export class FakeConnection implements Connection {
  readonly form: Form;
  /** What the client has read. */
  readonly heard: Heard[] = [];
  readonly parcels: Parcel[] = [];
  ready = true;
  closedWith: string | undefined;
  #unread: Buffer[] = [];
  /** While true the client reads nothing: what is sent stays unsent. */
  #stuck = false;

  constructor(form: Form = testForm()) {
    this.form = form;
  }

  get unsentBytes(): number {
    return this.#unread.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  send(parcel: Parcel): void {
    this.parcels.push(parcel);
    this.#unread.push(parcel.bytes);
    if (this.#stuck) this.ready = false;
    else this.#read();
  }

  close({ code }: Refusal): void {
    this.closedWith = code;
  }

  cut(): void {
    this.closedWith = "cut";
  }

  /** From the next send on, nothing is read. */
  stick(): void {
    this.#stuck = true;
  }

  /** Reads everything and takes bytes again. The owner is to be told by `Outbox.ready()`. */
  drain(): void {
    this.#stuck = false;
    this.ready = true;
    this.#read();
  }

  /** Bodies of what was heard under a name. */
  bodies(name: string): unknown[] {
    return this.heard.filter(([each]) => each === name).map(([, body]) => body);
  }

  #read(): void {
    const lines = Buffer.concat(this.#unread).toString().split("\n").filter(Boolean);
    this.#unread = [];
    for (const line of lines) this.heard.push(JSON.parse(line) as Heard);
  }
}

/** A message with what a test cares about. */
export function messageOf(fields: Partial<Omit<Message, "frame" | "size">> & { readonly offset: number }): Message {
  return new Message({
    tenant: "acme",
    topic: "feed:a",
    event: "test.feed",
    data: `{"n":${fields.offset}}`,
    batch: fields.offset,
    eventId: `id-${fields.offset}`,
    time: "2026-01-01T00:00:00.000Z",
    correlationId: "c",
    key: undefined,
    receivedAt: 0,
    storedAt: 0,
    ...fields,
  });
}
