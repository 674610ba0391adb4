/** A topic's state as an external store. */
import type { Following } from "./broadtape.ts";
import type { Fold } from "./folds.ts";
import { type Store, ValueStore, safely } from "./store.ts";
import type { TopicHandlers } from "./types.ts";

interface ViewHost {
  readonly follow: (handlers: TopicHandlers) => Pick<Following, "unfollow">;
  /** The state that the topic's followers share; undefined while unknown. */
  readonly peek: () => unknown;
  /** Of this view alone; without it the shared state is shown. */
  readonly fold: Fold | undefined;
  readonly onError: (error: unknown) => void;
}

export function viewOf({ follow, peek, fold, onError }: ViewHost): Store<unknown> {
  const store = new ValueStore<unknown>(undefined, onError);
  const shared = fold === undefined ? peek : () => undefined;
  let listeners = 0;
  let following: Pick<Following, "unfollow"> | undefined;
  const handlers: TopicHandlers = {
    onSnapshot: (state) => {
      store.set(state);
    },
    onBatch: (events) => {
      if (fold === undefined) {
        store.set(peek());
        return;
      }
      const before = store.get();
      // Before the state is known there is nothing to fold onto; nor after a fold that threw.
      if (before === undefined) return;
      let state: unknown;
      safely(() => (state = events.reduce((folded: unknown, event) => fold(folded ?? undefined, event), before)), onError);
      store.set(state);
    },
    onStatus: (status) => {
      if (!status.ok && status.code !== "CLOSED") store.set(undefined);
    },
  };
  return {
    get: () => {
      // Not what this view was told last: who is told of another topic of the same batch finds all of it here.
      const known = shared();
      return known === undefined && listeners > 0 ? store.get() : known;
    },
    subscribe: (listener) => {
      if (listeners === 0) store.set(shared());
      const off = store.subscribe(listener);
      listeners += 1;
      following ??= follow(handlers);
      let isOff = false;
      return () => {
        if (isOff) return;
        isOff = true;
        off();
        listeners -= 1;
        if (listeners > 0) return;
        following?.unfollow();
        following = undefined;
      };
    },
  };
}
