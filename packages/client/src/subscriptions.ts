/**
 * Brings what the server sends in line with what is followed: the difference is said in as few commands as possible, once
 * a turn, and never faster than the server takes them. Nobody else subscribes or unsubscribes.
 */
import type { ClientMessage, ErrorMessage, Filters, RequestId, WelcomeMessage } from "@broadtape/protocol/native";
import type { Environment } from "./environment.ts";
import { Pacer } from "./pacer.ts";
import type { Topic } from "./topic.ts";

/** Of one `subscribe`: the server takes so many topics, and 64 KiB in one frame. */
const MAX_TOPICS = 1000;
const MAX_CHARS = 16_000;

export interface SubscriptionsHost {
  readonly environment: Environment;
  readonly topics: ReadonlyMap<string, Topic>;
  send(message: ClientMessage): void;
  /** Nobody follows it any more and the server was told. */
  ended(topic: Topic): void;
  /** Another name under which the server keeps this very topic (`orders:me`, `orders:u1`). */
  aliasOf(name: string): string | undefined;
}

/** A `subscribe` without the topics and the id. */
interface Subscribe {
  readonly type: "subscribe";
  readonly after?: string;
  readonly maxUpdatesPerSecond?: number;
  readonly filters?: Filters;
  readonly snapshot?: boolean;
}

export class Subscriptions {
  readonly #host: SubscriptionsHost;
  readonly #pacer: Pacer;
  /** Topics that may differ from what the server was told. */
  readonly #changed = new Set<Topic>();
  /** Topics of each request that is not answered yet. */
  readonly #requests = new Map<RequestId, Set<Topic>>();
  #isOpen = false;
  #isQueued = false;
  #cancelLater: (() => void) | undefined;
  #lastRequest = 0;
  /** The newest acknowledgement that was not sent yet. */
  #ack: string | undefined;

  constructor(host: SubscriptionsHost) {
    this.#host = host;
    this.#pacer = new Pacer(host.environment.now);
  }

  /** Whether everything that is followed was asked for and answered. */
  get isSettled(): boolean {
    return this.#isOpen && this.#requests.size === 0 && ![...this.#changed].some((topic) => needOf(topic) === "subscribe");
  }

  /** A connection is open: everything is asked for anew. */
  open({ limits }: WelcomeMessage): void {
    this.#isOpen = true;
    this.#pacer.reset(limits);
    for (const topic of this.#host.topics.values()) this.#changed.add(topic);
    this.#flush();
  }

  cut(): void {
    this.#isOpen = false;
    this.#requests.clear();
    this.#cancelLater?.();
    this.#cancelLater = undefined;
  }

  /** Something about the topic changed; it is looked at once this turn is over. */
  change(topic: Topic): void {
    this.#changed.add(topic);
    this.#queue();
  }

  ack(upTo: string): void {
    this.#ack = upTo;
    this.#queue();
  }

  /** These topics of a request were answered. */
  answered(id: RequestId | undefined, names: readonly string[]): void {
    const waiting = id === undefined ? undefined : this.#requests.get(id);
    if (id === undefined || waiting === undefined) return;
    for (const topic of [...waiting]) if (names.includes(topic.name)) waiting.delete(topic);
    if (waiting.size === 0) this.#requests.delete(id);
  }

  /** A refused request: asked again where that helps; returns the topics for which it is final. */
  refused({ id, code, retryAfterMs }: ErrorMessage): readonly Topic[] {
    if (code === "RATE_LIMITED") this.#pacer.pause(retryAfterMs ?? 1000);
    const waiting = id === undefined ? undefined : this.#requests.get(id);
    if (id === undefined || waiting === undefined) return [];
    this.#requests.delete(id);
    const isAgain = code === "RATE_LIMITED" || (code === "BAD_REQUEST" && waiting.size > 1);
    if (!isAgain) return [...waiting];
    for (const topic of waiting) {
      topic.asked = undefined;
      // One topic that the server will not have must not silence those that were asked for with it.
      topic.isAlone ||= code === "BAD_REQUEST";
      this.change(topic);
    }
    return [];
  }

  #queue(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    queueMicrotask(() => {
      this.#isQueued = false;
      this.#flush();
    });
  }

  #flush(): void {
    const { topics } = this.#host;
    for (const topic of this.#changed) {
      if (topics.get(topic.name) !== topic) this.#changed.delete(topic);
      else if (topic.followers.size === 0 && topic.asked === undefined) this.#end(topic);
    }
    if (!this.#isOpen || this.#cancelLater !== undefined) return;
    const isDone = this.#unsubscribe() && this.#subscribe() && this.#update() && this.#acknowledge();
    if (isDone) return;
    this.#cancelLater = this.#host.environment.after(this.#pacer.waitMs, () => {
      this.#cancelLater = undefined;
      this.#flush();
    });
  }

  #unsubscribe(): boolean {
    const ended = this.#needing("unsubscribe");
    const names = ended.map(({ name }) => name).filter((name) => !this.#host.topics.has(this.#host.aliasOf(name) ?? ""));
    for (const chunk of chunksOf(names)) {
      if (!this.#pacer.take()) return false;
      this.#host.send({ type: "unsubscribe", topics: chunk });
    }
    for (const topic of ended) this.#end(topic);
    return true;
  }

  /** One request for topics that stand at the same place and want the same. */
  #subscribe(): boolean {
    const groups = new Map<string, { request: Subscribe; topics: Topic[] }>();
    for (const topic of this.#needing("subscribe")) {
      const request = requestOf(topic);
      const key = JSON.stringify(topic.isAlone ? [request, topic.name] : request);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { request, topics: [topic] });
      else group.topics.push(topic);
    }
    for (const { request, topics } of groups.values()) {
      for (const names of chunksOf(topics.map(({ name }) => name))) {
        if (!this.#pacer.take()) return false;
        this.#ask(request, new Set(topics.splice(0, names.length)));
      }
    }
    return true;
  }

  #ask(request: Subscribe, topics: Set<Topic>): void {
    const id = ++this.#lastRequest;
    this.#requests.set(id, topics);
    for (const topic of topics) {
      this.#changed.delete(topic);
      topic.asked = { id, after: request.after, rate: request.maxUpdatesPerSecond, isAnswered: false };
    }
    this.#host.send({ ...request, id, topics: [...topics].map(({ name }) => name) });
  }

  #update(): boolean {
    const byRate = new Map<number | null, Topic[]>();
    for (const topic of this.#needing("update")) {
      const rate = topic.rate ?? null;
      byRate.set(rate, [...(byRate.get(rate) ?? []), topic]);
    }
    for (const [maxUpdatesPerSecond, topics] of byRate) {
      if (!this.#pacer.take()) return false;
      this.#host.send({ type: "update", topics: topics.map(({ name }) => name), maxUpdatesPerSecond });
      for (const topic of topics) {
        this.#changed.delete(topic);
        if (topic.asked !== undefined) topic.asked.rate = topic.rate;
      }
    }
    return true;
  }

  #acknowledge(): boolean {
    if (this.#ack === undefined) return true;
    if (!this.#pacer.take()) return false;
    this.#host.send({ type: "ack", upTo: this.#ack });
    this.#ack = undefined;
    return true;
  }

  #needing(need: Need): Topic[] {
    return [...this.#changed].filter((topic) => needOf(topic) === need);
  }

  #end(topic: Topic): void {
    this.#changed.delete(topic);
    if (topic.asked !== undefined) this.answered(topic.asked.id, [topic.name]);
    this.#host.ended(topic);
  }
}

type Need = "nothing" | "subscribe" | "unsubscribe" | "update";

/** What the server has to be told of a topic. Before an answer nothing but that nobody follows it any more. */
function needOf(topic: Topic): Need {
  const { asked, followers, refusal, isLive, hasState } = topic;
  if (followers.size === 0) return asked === undefined ? "nothing" : "unsubscribe";
  if (refusal !== undefined) return "nothing";
  if (asked === undefined) return "subscribe";
  if (!asked.isAnswered) return "nothing";
  if (isLive && !hasState && topic.awaitsSnapshot) return "subscribe";
  return asked.rate === topic.rate ? "nothing" : "update";
}

function requestOf(topic: Topic): Subscribe {
  const { rate, filters, resumeFrom: after } = topic;
  return {
    type: "subscribe",
    ...(after !== undefined && { after }),
    // What was missed is enough where everybody has a state.
    ...(after !== undefined && !topic.awaitsSnapshot && { snapshot: false }),
    ...(rate !== undefined && { maxUpdatesPerSecond: rate }),
    ...(filters !== undefined && { filters }),
  };
}

function chunksOf(names: readonly string[]): string[][] {
  const chunks: string[][] = [];
  let chars = Infinity;
  for (const name of names) {
    const last = chunks.at(-1);
    chars += name.length + 3;
    if (last !== undefined && last.length < MAX_TOPICS && chars <= MAX_CHARS) {
      last.push(name);
    } else {
      chunks.push([name]);
      chars = name.length;
    }
  }
  return chunks;
}
