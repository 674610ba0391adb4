/** What the server answers, as long as the component is shown. */
import { useMemo, useSyncExternalStore } from "react";
import { ask } from "./ask.ts";
import { Poll, type Polled, pageHost } from "./poll.ts";

export interface Polling<T> extends Polled<T> {
  /** Asks now. */
  readonly again: () => void;
}

/** The answer is taken for what the protocol says of this path: page and server are of one build. */
export function usePoll<T>(authorized: typeof fetch, path: string, everyMs: number): Polling<T> {
  const poll = useMemo(() => new Poll(pageHost, async () => (await ask(authorized, path)) as T, everyMs), [authorized, path, everyMs]);
  return usePolled(poll);
}

export function usePolled<T>(poll: Poll<T>): Polling<T> {
  const polled = useSyncExternalStore(poll.subscribe, poll.get);
  return useMemo(() => ({ ...polled, again: () => poll.again() }), [polled, poll]);
}
