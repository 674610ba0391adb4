/** A topic's state as an external store. */
import type { Following } from "./broadtape.ts";
import type { Fold } from "./folds.ts";
import { type Store, ValueStore } from "./store.ts";
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
      store.set(fold === undefined ? peek() : events.reduce((state, event) => fold(state ?? undefined, event), store.get()));
    },
    onStatus: (status) => {
      if (!status.ok && status.code !== "CLOSED") store.set(undefined);
    },
  };
  return {
    get: () => (listeners > 0 ? store.get() : shared()),
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
