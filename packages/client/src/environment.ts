/** Time, chance and the network come in through the door, so that tests run on a fake clock. */

export interface Environment {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Calls back once; returns a function that prevents it. */
  readonly after: (ms: number, run: () => void) => () => void;
  /** In [0, 1). */
  readonly random: () => number;
  readonly openWebSocket: (url: string, protocol: string) => WebSocket;
  readonly fetch: typeof fetch;
}

export const browserEnvironment: Environment = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => {
      clearTimeout(timer);
    };
  },
  random: () => Math.random(),
  openWebSocket: (url, protocol) => new WebSocket(url, protocol),
  fetch: (input, init) => fetch(input, init),
};

/** Reports what a caller's callback threw, the way the platform reports any uncaught error. */
export function reportUncaught(error: unknown): void {
  if (typeof reportError === "function") reportError(error);
  else console.error(error);
}
