/** Watches how fresh one panel is: the connection under it, and what comes over it. An external store. */
import type { Broadtape, ConnectionStatus, FollowStatus, Store } from "@broadtape/client";
import { Value } from "../wallet/value.ts";
import { type Course, FIRST_COURSE, type Freshness, type Happening, RESYNCED_MS, advance, freshnessOf } from "./freshness.ts";

export class FreshnessWatch implements Store<Freshness> {
  readonly #shown: Value<Freshness>;
  readonly #offStatus: () => void;
  #course: Course;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Until {@link close}. */
  constructor(status: Store<ConnectionStatus>) {
    this.#course = { ...FIRST_COURSE, status: status.get() };
    this.#shown = new Value(freshnessOf(this.#course, Date.now()));
    this.#offStatus = status.subscribe(() => this.take({ type: "status", status: status.get() }));
  }

  readonly get = (): Freshness => this.#shown.get();
  readonly subscribe = (listener: () => void): (() => void) => this.#shown.subscribe(listener);

  /** Returns the same watch's taker, to be handed to whoever hears of it. */
  readonly take = (happening: Happening): void => {
    const course = advance(this.#course, happening, Date.now());
    if (course === this.#course) return;
    this.#course = course;
    this.#show();
  };

  close(): void {
    clearTimeout(this.#timer);
    this.#offStatus();
  }

  #show(): void {
    const now = Date.now();
    this.#shown.set(freshnessOf(this.#course, now));
    clearTimeout(this.#timer);
    if (this.#shown.get().state === "resynced") this.#timer = setTimeout(() => this.#show(), RESYNCED_MS);
  }
}

/** Follows the topics for what comes over them, on behalf of these watches; returns a function that ends it. */
export function watchTopics(tape: Broadtape, topics: readonly string[], watches: readonly FreshnessWatch[]): () => void {
  const tell = (happening: Happening) => {
    for (const watch of watches) watch.take(happening);
  };
  const followings = topics.map((topic) =>
    tape.follow<string>(topic, {
      onEvent: () => tell({ type: "event" }),
      onResync: () => tell({ type: "resync" }),
      // Refused topics are the panel's affair, not the whole connection's.
      onStatus: (status) => watches[0]?.take({ type: "refused", reason: refusalOf(status) }),
    }),
  );
  return () => {
    for (const following of followings) following.unfollow();
  };
}

function refusalOf(status: FollowStatus): string | undefined {
  if (status.ok || status.code === "CLOSED" || status.code === "UNFOLLOWED") return undefined;
  return status.code === "FORBIDDEN" ? "not permitted" : status.code.toLowerCase().replaceAll("_", " ");
}
