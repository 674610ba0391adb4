/** How a connection is asked for. */
import type { Rules } from "./connection-state.ts";
import type { Environment } from "./environment.ts";

/** A token, or a function that fetches a fresh one. Without it the browser's session cookie counts. */
export type TokenSource = string | (() => string | Promise<string>);

export interface ConnectionOptions {
  /** `http(s)://host:port`; default: where the page came from. */
  readonly url?: string | undefined;
  /** A function is asked before every connection and again before the token it gave ends. */
  readonly token?: TokenSource | undefined;
  /** Names this device or tab, so that the server keeps how far it has acknowledged. */
  readonly clientId?: string | undefined;
  /** Default true: comes back after every loss, for ever. */
  readonly reconnection?: boolean | undefined;
  /** Attempts in a row after which it gives up; default `Infinity`. */
  readonly reconnectionAttempts?: number | undefined;
  /** Milliseconds before the first attempt; doubled at each, up to 30 s, with jitter. Default 1000. */
  readonly reconnectionDelay?: number | undefined;
  /** Default `auto`: WebSocket, and event streams where that cannot be opened. */
  readonly transport?: "auto" | "websocket" | "sse" | undefined;
  /** One connection for all tabs, in the worker at `workerUrl`; without SharedWorker each tab has its own. */
  readonly shared?: boolean | undefined;
  /** Where `@broadtape/client/shared-worker` is served from. */
  readonly workerUrl?: string | URL | undefined;
  /** Takes what callbacks throw; default: reported like any uncaught error. */
  readonly onError?: ((error: unknown) => void) | undefined;
  readonly environment?: Partial<Environment> | undefined;
}

export function rulesOf(options: ConnectionOptions): Rules {
  const { reconnection = true, reconnectionAttempts = Infinity, reconnectionDelay = 1000, transport = "auto", shared = false } = options;
  const own: Rules["transports"] = transport === "auto" ? ["websocket", "sse"] : [transport];
  const transports: Rules["transports"] = shared ? ["shared", ...own] : own;
  return { transports, reconnection, reconnectionAttempts, reconnectionDelay, canRefresh: typeof options.token === "function" };
}

/** Without a slash at the end. Throws a TypeError where none is given and no page has one. */
export function urlOf(url: string | undefined): string {
  const base = url ?? (globalThis as { location?: Location }).location?.origin;
  if (base === undefined) throw new TypeError("outside a browser Broadtape needs `url`");
  return base.replace(/^ws/, "http").replace(/\/+$/, "");
}
