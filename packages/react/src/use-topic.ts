/** Any topic's state in a component. */
import { useMemo, useSyncExternalStore } from "react";
import type { Broadtape, Store } from "@broadtape/client";
import { useTape } from "./context.tsx";
import { inNextFrame } from "./frames.ts";

/** The state of a topic, folded by the code that the server uses; undefined until known. Repaints at most once a frame. */
export function useTopic(topic: string, tape: Broadtape = useTape()): unknown {
  const store = useMemo(() => perFrame(tape.view(topic)), [tape, topic]);
  return useSyncExternalStore(store.subscribe, store.get, nothing);
}

const nothing = () => undefined;

/** A store that tells of its changes at most once a frame. */
export function perFrame<T>(store: Store<T>): Store<T> {
  return {
    get: store.get,
    subscribe: (listener) => {
      let cancel: (() => void) | undefined;
      const tell = () => {
        listener();
      };
      const off = store.subscribe(() => {
        cancel = inNextFrame(tell);
      });
      return () => {
        cancel?.();
        off();
      };
    },
  };
}
