/**
 * A small server that keeps the native protocol's promises, for tests that cut it off at random: a log, topics of both
 * classes, resume from a cursor, snapshots at one cut, retention, new lives of the log.
 *
 * `sum:*` is lossless and folded (the sum of all values), `feed:*` lossless and without a fold (its state is the number of
 * events), `symbol:*` conflated.
 */
import type { ClientMessage, EventMessage, ServerMessage } from "@broadtape/protocol/native";
import { parseEventId } from "@broadtape/protocol/event-id";
import { type FakeLink, WELCOME, idOf } from "./fake-environment.ts";

export interface ModelEvent {
  readonly offset: number;
  readonly topic: string;
  readonly value: number;
}

export const isLossless = (topic: string): boolean => !topic.startsWith("symbol:");

export class ModelServer {
  epoch = 1;
  log: ModelEvent[] = [];
  /** The oldest offset that can be replayed. */
  oldest = 1;
  readonly sessions = new Set<ModelSession>();

  get head(): number {
    return this.log.at(-1)?.offset ?? 0;
  }

  publish(batch: readonly { readonly topic: string; readonly value: number }[]): void {
    const events = batch.map((event, index) => ({ ...event, offset: this.head + 1 + index }));
    this.log.push(...events);
    for (const session of this.sessions) session.route(events);
  }

  /** The log is wiped: offsets begin anew, in another life. */
  wipe(): void {
    this.epoch += 1;
    this.log = [];
    this.oldest = 1;
    for (const session of [...this.sessions]) session.cut();
  }

  /** Everything up to now is forgotten. */
  expire(): void {
    this.oldest = this.head + 1;
  }

  state(topic: string, upTo = this.head): unknown {
    const events = this.log.filter((event) => event.topic === topic && event.offset <= upTo);
    const newest = events.at(-1);
    if (newest === undefined) return null;
    const value = topic.startsWith("sum:")
      ? events.reduce((sum, each) => sum + each.value, 0)
      : topic.startsWith("feed:")
        ? events.length
        : newest.value;
    return { value, eventId: idOf(newest.offset, this.epoch) };
  }

  message({ offset, topic, value }: ModelEvent): EventMessage {
    const key = isLossless(topic) ? {} : { key: topic };
    return { type: "event", topic, event: "test", eventId: idOf(offset, this.epoch), time: "", data: { value }, ...key };
  }
}

/** One connection. What it is sent waits in `#wire` until the test lets it through, or cuts it. */
export class ModelSession {
  readonly #server: ModelServer;
  readonly #link: FakeLink;
  readonly #following = new Map<string, { from: number }>();
  #wire: ServerMessage[] = [];
  /** Everything lossless up to here was put on the wire. */
  #lane: number;
  #isLagging = false;
  #whenFlowing: (() => void)[] = [];

  constructor(server: ModelServer, link: FakeLink) {
    this.#server = server;
    this.#link = link;
    this.#lane = server.head;
    server.sessions.add(this);
    link.onSend = (message) => this.#take(message);
    this.#wire.push({ ...WELCOME, head: idOf(server.head, server.epoch) });
  }

  /** Conflated values go on, lossless ones wait. */
  lag(): void {
    this.#isLagging = true;
  }

  catchUp(): void {
    this.#isLagging = false;
    for (let { offset } = this.#next() ?? { offset: 0 }; offset > 0; offset = this.#next()?.offset ?? 0) {
      const event = this.#server.log.find((each) => each.offset === offset);
      this.#lane = offset;
      if (event !== undefined && this.#wants(event)) this.#wire.push(this.#server.message(event));
    }
    this.#lane = this.#server.head;
    for (const run of this.#whenFlowing.splice(0)) run();
  }

  route(events: readonly ModelEvent[]): void {
    const now = events.filter((event) => this.#wants(event) && (!isLossless(event.topic) || !this.#isLagging));
    if (!this.#isLagging) this.#lane = this.#server.head;
    const messages = now.map((event) => this.#server.message(event));
    if (messages.length === 1 && messages[0] !== undefined) this.#wire.push(messages[0]);
    else if (messages.length > 1) this.#wire.push({ type: "batch", events: messages });
  }

  ping(): void {
    this.#wire.push({ type: "ping", serverTime: 0, lastEventId: idOf(this.#lane, this.#server.epoch) });
  }

  /** Lets so many messages through. */
  deliver(count: number): void {
    for (const message of this.#wire.splice(0, count)) this.#link.say(message);
  }

  cut(): void {
    this.#server.sessions.delete(this);
    this.#wire = [];
    this.#link.end();
  }

  #next(): ModelEvent | undefined {
    return this.#server.log.find(({ offset, topic }) => offset > this.#lane && isLossless(topic));
  }

  #wants({ topic, offset }: ModelEvent): boolean {
    const following = this.#following.get(topic);
    return following !== undefined && offset > following.from;
  }

  #take(message: ClientMessage): void {
    if (this.#link.isClosed) return;
    if (message.type === "unsubscribe") for (const topic of message.topics) this.#following.delete(topic);
    if (message.type === "subscribe") this.#subscribe(message);
  }

  #subscribe({ id = 0, topics, after, snapshot = true }: Extract<ClientMessage, { type: "subscribe" }>): void {
    const server = this.#server;
    const cursor = after === undefined ? undefined : parseEventId(after);
    const isKnown = cursor?.epoch === server.epoch && cursor.offset <= server.head;
    const from = isKnown && cursor.offset + 1 >= server.oldest ? cursor.offset : undefined;
    const answer = (withStates: boolean) => {
      const states = withStates ? topics.map((topic) => ({ topic, state: server.state(topic) })) : [];
      const results = topics.map((topic) => ({ topic, ok: true as const }));
      this.#wire.push({ type: "subscribed", id, results, cut: idOf(server.head, server.epoch), snapshots: states });
    };
    for (const topic of topics) this.#following.set(topic, { from: from !== undefined && isLossless(topic) ? from : server.head });
    if (from === undefined) {
      const reason = isKnown ? "expired" : "unknown";
      if (after !== undefined) this.#wire.push({ type: "resync", topics, reason, from: after, head: idOf(server.head, server.epoch) });
      answer(true);
      return;
    }
    for (const topic of topics) {
      const newest = server.log.findLast((event) => event.topic === topic);
      if (!isLossless(topic) && newest !== undefined && newest.offset > from) this.#wire.push(server.message(newest));
    }
    this.#rewind(from, topics);
    this.#whenFlowing.push(() => answer(snapshot));
    if (!this.#isLagging) this.catchUp();
  }

  /** The lane goes back for these topics; all others have had what they had. */
  #rewind(from: number, topics: readonly string[]): void {
    for (const [topic, following] of this.#following) if (!topics.includes(topic)) following.from = Math.max(following.from, this.#lane);
    this.#lane = Math.min(this.#lane, from);
  }
}
