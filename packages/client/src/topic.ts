/** What the SDK knows of one topic that is followed: its followers, its state, and how far it has got. */
import type { EventMessage, Filters, TopicResult } from "@broadtape/protocol/native";
import type { Fold } from "./folds.ts";

/** What a topic's events and states hold; products' clients say more exactly. */
export interface TopicHandlers {
  /** The state at the beginning, and anew after a gap that could not be filled. */
  readonly onSnapshot?: ((state: unknown) => void) | undefined;
  readonly onEvent?: ((event: EventMessage) => void) | undefined;
  /** What became of the subscription: followed, refused, or ended by the server. */
  readonly onStatus?: ((status: TopicResult | { readonly topic: string; readonly ok: false; readonly code: "REVOKED" }) => void) | undefined;
  /** The server could not resume: a snapshot follows. */
  readonly onResync?: ((reason: "unknown" | "expired") => void) | undefined;
}

export interface TopicOptions {
  /** The most updates a second and key; the highest that any follower asks for counts. */
  readonly maxUpdatesPerSecond?: number | undefined;
  readonly filters?: Filters | undefined;
}

export interface Follower {
  readonly handlers: TopicHandlers;
  readonly options: TopicOptions;
}

/** Invariant: `lastEventId` is the newest event that is in `state` or was told; older ones are ignored. */
export interface Topic {
  readonly name: string;
  readonly pattern: RegExp | undefined;
  readonly followers: Set<Follower>;
  readonly fold: Fold;
  state: unknown;
  hasState: boolean;
  lastEventId: string | undefined;
  /** Cursor to resume from: `lastEventId` or what the server says was passed. */
  cursor: string | undefined;
  /** True between `subscribed` and the end of the connection. */
  isLive: boolean;
  result: TopicResult | undefined;
  /** Newest id of each topic that a pattern matches. Bounded by the server's topics. */
  readonly matched: Map<string, string>;
}

/** Whether `id` is newer than `than`: the part after the dash grows with the log, text order is log order. */
export function isNewer(id: string, than: string | undefined): boolean {
  if (than === undefined) return true;
  return id.slice(id.indexOf("-") + 1) > than.slice(than.indexOf("-") + 1);
}

/** The rate of a topic's one subscription: the highest of its followers', none where one wants all. */
export function rateOf(topic: Topic): number | undefined {
  let highest = 0;
  for (const { options } of topic.followers) {
    if (options.maxUpdatesPerSecond === undefined) return undefined;
    highest = Math.max(highest, options.maxUpdatesPerSecond);
  }
  return highest === 0 ? undefined : highest;
}

export function patternOf(name: string): RegExp | undefined {
  if (!name.includes("*")) return undefined;
  const parts = name.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}
