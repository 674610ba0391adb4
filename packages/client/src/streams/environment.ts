/** What a stream needs of the outside: `fetch` instead of the SDK's links, the other tabs, and the same clock and chance. */
import { type Environment, browserEnvironment } from "../environment.ts";

/** A channel to the same page in other tabs of this browser. */
export interface TabChannel {
  post(message: unknown): void;
  close(): void;
}

export interface Tabs {
  /** Messages reach every other tab that has joined, in order. */
  readonly join: (name: string, onMessage: (message: unknown) => void) => TabChannel;
  /**
   * Calls back when this tab leads: one does, and when it goes the next. `steal` takes the lead from whoever has it, who is told by
   * `onLost`. Returns a function that gives it up, or no longer waits for it.
   */
  readonly lead: (name: string, on: { onLead: () => void; onLost: () => void }, steal: boolean) => () => void;
}

export interface StreamEnvironment extends Omit<Environment, "openLink"> {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Undefined where there are none: outside a page, or in a browser without them. */
  readonly tabs: Tabs | undefined;
}

export function streamEnvironment(): StreamEnvironment {
  return { ...browserEnvironment, fetch: (url, init) => fetch(url, init), tabs: hasTabs() ? { join, lead } : undefined };
}

/** Node.js has channels and locks as well, and no tabs. */
function hasTabs(): boolean {
  return typeof document === "object" && typeof BroadcastChannel === "function" && (navigator as Partial<Navigator>).locks !== undefined;
}

function join(name: string, onMessage: (message: unknown) => void): TabChannel {
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }: MessageEvent<unknown>) => onMessage(data);
  return { post: (message) => channel.postMessage(message), close: () => channel.close() };
}

function lead(name: string, { onLead, onLost }: { onLead: () => void; onLost: () => void }, steal: boolean): () => void {
  const abort = new AbortController();
  let isOver = false;
  let release: () => void = () => undefined;
  const hold = () => {
    if (isOver) return undefined;
    onLead();
    return new Promise<void>((resolve) => (release = resolve));
  };
  // A request that steals cannot be withdrawn; it is granted at once.
  navigator.locks.request(name, steal ? { steal } : { signal: abort.signal }, hold).catch(() => {
    if (!isOver) onLost();
  });
  return () => {
    isOver = true;
    abort.abort();
    release();
  };
}
