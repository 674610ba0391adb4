/** A client of the simulation: takes what it is sent at its own pace and checks every message against the log. */
import type { Refusal } from "@broadtape/protocol/errors";
import { parseEventId } from "@broadtape/protocol/event-id";
import type { Identity } from "@broadtape/protocol/identity";
import type { Engine } from "../../packages/server/src/engine/engine.ts";
import type { Followed } from "../../packages/server/src/engine/following.ts";
import { type Connection, type Form, type Parcel, type Surface } from "../../packages/server/src/engine/message.ts";
import type { Session } from "../../packages/server/src/engine/session.ts";
import type { Disk } from "./world.ts";

export interface Told {
  readonly topic: string;
  readonly offset: number;
  readonly batch: number;
  readonly isLossless: boolean;
  readonly data: string;
}

/** The answer to a subscription, as a message in the stream. */
export interface Answer {
  readonly followed: Followed;
  readonly isResumed: boolean;
}

const surface: Surface = {
  name: "simulation",
  heartbeatMs: 30_000,
  word: (message) => ({
    name: "event",
    id: message.eventId,
    body: JSON.stringify({
      topic: message.topic,
      offset: message.offset,
      batch: message.batch,
      isLossless: message.key === undefined,
      data: message.data,
    } satisfies Told),
  }),
  heartbeat: (lastEventId) => ({ name: "heartbeat", body: JSON.stringify({ lastEventId }) }),
  refuse: (refusal) => ({ name: "error", body: JSON.stringify({ code: refusal.code }) }),
  lagging: (lane) => ({ name: "lagging", body: JSON.stringify({ lane }) }),
  caughtUp: () => ({ name: "caughtUp", body: "{}" }),
};

const form: Form = {
  surface,
  keepsCursor: true,
  frame: ({ name, body, id }) => Buffer.from(JSON.stringify([name, body, id])),
  join: (frames) => Buffer.concat(frames),
};

/** What a client knows of one lossless topic. */
interface Feed {
  /** Everything up to here is in its snapshot or was told. */
  at: number;
  isLive: boolean;
  /** Resumed from a cursor that others had passed less far than this one: what it had is told again. */
  mayRepeat: boolean;
}

export class Client implements Connection {
  readonly form = form;
  readonly identity: Identity;
  session: Session | undefined;
  /** Lossless topics with what was seen of each; kept over a reconnect. */
  readonly feeds = new Map<string, Feed>();
  /** Newest offset and value seen of each gauge. */
  readonly gauges = new Map<string, { offset: number; data: string }>();
  readonly heartbeats: string[] = [];
  closedWith: string | undefined;
  /** What an `EventSource` would resume from: the newest id that it read. */
  lastId: string | undefined;
  #taken: Buffer[] = [];
  isStuck = false;
  readonly #disk: Disk;

  constructor(identity: Identity, disk: Disk) {
    this.identity = identity;
    this.#disk = disk;
  }

  get ready(): boolean {
    return this.#taken.length === 0;
  }

  get unsentBytes(): number {
    return this.#taken.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  connect(engine: Engine): void {
    this.#taken = [];
    this.closedWith = undefined;
    this.session = engine.open(this.identity, surface, this, { address: "test", userAgent: undefined, correlationId: "c" });
  }

  send(parcel: Parcel): void {
    if (this.isStuck) this.#taken.push(...parcel.frames);
    else for (const frame of parcel.frames) this.#read(frame);
  }

  close(refusal: Refusal): void {
    this.closedWith = refusal.code;
    this.session = undefined;
  }

  /** Reads what waited and tells the server so. */
  drain(): void {
    const taken = this.#taken;
    this.#taken = [];
    this.isStuck = false;
    for (const frame of taken) this.#read(frame);
    this.session?.outbox.ready();
  }

  /** The connection is gone, with what it had not read. */
  cut(): void {
    this.session?.lost();
    this.session = undefined;
    this.#taken = [];
    this.isStuck = false;
    for (const feed of this.feeds.values()) feed.isLive = false;
    this.gauges.clear();
  }

  /** What an answer says, at the point of the stream at which it stands. */
  #followed({ followed, isResumed }: Answer): void {
    const cut = offsetOf(followed.cut);
    for (const { topic, ok } of followed.results) {
      if (!ok || !topic.startsWith("feed:")) continue;
      const feed = this.feeds.get(topic);
      if (isResumed && followed.resync === undefined && feed !== undefined) feed.isLive = true;
      else this.feeds.set(topic, { at: cut, isLive: true, mayRepeat: false });
    }
    for (const { topic, state } of followed.snapshots) {
      if (topic.startsWith("gauge:") && state !== "null")
        this.gauges.set(topic, { offset: offsetOf((JSON.parse(state) as { eventId: string }).eventId), data: "" });
    }
  }

  #read(frame: Buffer): void {
    const [name, body, id] = JSON.parse(frame.toString()) as [string, string, string | null];
    if (id !== null) this.lastId = id;
    if (name === "heartbeat") this.heartbeats.push(body);
    if (name === "subscribed") this.#followed(JSON.parse(body) as Answer);
    if (name !== "event") return;
    const told = JSON.parse(body) as Told;
    const stored = this.#disk.events[told.offset - 1];
    if (stored === undefined) throw new Error(`told of offset ${told.offset}, which is not durable`);
    if (told.isLossless) this.#takeLossless(told, stored.data);
    else this.#takeNewest(told);
  }

  #takeLossless(told: Told, data: string): void {
    const feed = this.feeds.get(told.topic);
    if (feed === undefined || !this.identity.permissions.has(told.topic)) throw new Error(`leaked ${told.topic}`);
    if (told.data !== data) throw new Error(`offset ${told.offset} was told with other data`);
    if (feed.mayRepeat && told.offset <= feed.at) return;
    const next = this.#next(told.topic, feed.at);
    if (next !== told.offset) throw new Error(`${told.topic}: told ${told.offset} after ${feed.at}, but ${next} comes next`);
    feed.at = told.offset;
  }

  #takeNewest(told: Told): void {
    const before = this.gauges.get(told.topic);
    if (before !== undefined && before.offset >= told.offset)
      throw new Error(`${told.topic} went back from ${before.offset} to ${told.offset}`);
    this.gauges.set(told.topic, { offset: told.offset, data: told.data });
  }

  /** The durable event that must be told next on a topic. */
  #next(topic: string, after: number): number | undefined {
    const index = this.#disk.topics.findIndex(
      (topics, at) => at >= after && topics.includes(topic) && this.#disk.events[at]?.tenant === this.identity.tenant,
    );
    return index < 0 ? undefined : index + 1;
  }

  /** Nothing that is durable is still owed. */
  checkComplete(): void {
    for (const [topic, feed] of this.feeds) {
      const next = this.#next(topic, feed.at);
      if (feed.isLive && next !== undefined) throw new Error(`${topic}: ${next} was never told (seen up to ${feed.at})`);
    }
  }
}

export function offsetOf(cursor: string): number {
  const id = parseEventId(cursor);
  if (id === undefined) throw new Error(`${cursor} is no cursor`);
  return id.offset;
}
