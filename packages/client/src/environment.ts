/** Time, chance and the network come in through the door, so that tests run on a fake clock without one. */
import type { Link, LinkRequest, Transport } from "./link.ts";
import { openSharedLink } from "./shared-link.ts";
import { openStreamLink } from "./stream-link.ts";
import { openWebSocketLink } from "./web-socket-link.ts";

export interface Environment {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Calls back once; returns a function that prevents it. */
  readonly after: (ms: number, run: () => void) => () => void;
  /** In [0, 1). */
  readonly random: () => number;
  /** Opens a link; may throw where the transport is missing here. */
  readonly openLink: (transport: Transport, request: LinkRequest) => Link;
  /** Calls back when the network has come back; returns a function that ends it. */
  readonly onOnline: (run: () => void) => () => void;
  /** Calls back when the page goes away; returns a function that ends it. */
  readonly onHide: (run: () => void) => () => void;
}

const LINKS: Readonly<Record<Transport, (request: LinkRequest) => Link>> = {
  shared: openSharedLink,
  websocket: openWebSocketLink,
  sse: openStreamLink,
};

export const browserEnvironment: Environment = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => {
      clearTimeout(timer);
    };
  },
  random: () => Math.random(),
  openLink: (transport, request) => LINKS[transport](request),
  onOnline: (run) => listen("online", run),
  onHide: (run) => listen("pagehide", run),
};

/** Outside a browser these events never come. */
function listen(event: string, run: () => void): () => void {
  if (typeof addEventListener !== "function") return () => undefined;
  addEventListener(event, run);
  return () => {
    removeEventListener(event, run);
  };
}

/** Reports what a caller's callback threw, the way the platform reports any uncaught error. */
function reportUncaught(error: unknown): void {
  if (typeof reportError === "function") reportError(error);
  else console.error(error);
}

/** Takes errors without ever throwing itself: who reports by throwing is not heard, and others are still told. */
export function errorTaker(report: (error: unknown) => void = reportUncaught): (error: unknown) => void {
  return (error) => {
    try {
      report(error);
    } catch {
      // See above.
    }
  };
}
