/** Which stream is asked for, and where it is. */
import type { ConnectionOptions, TokenSource } from "../connection-options.ts";
import { urlOf } from "../connection-options.ts";
import type { StreamName } from "./messages.ts";

export interface StreamRequest {
  readonly stream: StreamName;
  /** Of `prices`; without them all. */
  readonly symbols?: readonly string[] | undefined;
  /** Of `trading`: whose, where it is not one's own; somebody in one's team. */
  readonly userId?: string | undefined;
  /** Of `strategies`: which one. */
  readonly strategyId?: string | undefined;
}

/** Where one connects, and as whom. */
export interface StreamAccess extends Pick<ConnectionOptions, "url"> {
  /** A function is asked before every connection. Without a token the browser's session cookie counts. */
  readonly token?: TokenSource | undefined;
}

/** The stream's path and query, which also names it. Throws a TypeError for a request that makes no sense. */
export function pathOf({ stream, symbols = [], userId, strategyId }: StreamRequest): string {
  if ((stream === "strategies") !== (strategyId !== undefined)) throw new TypeError("`strategyId` and the stream `strategies` go together");
  const path = `/api/stream/${stream}${strategyId === undefined ? "" : `/${encodeURIComponent(strategyId)}`}`;
  const query = new URLSearchParams({
    ...(symbols.length > 0 && { symbols: [...symbols].sort().join(",") }),
    ...(userId !== undefined && { userId }),
  });
  return query.size === 0 ? path : `${path}?${query}`;
}

export function addressOf(request: StreamRequest, { url }: StreamAccess): string {
  return `${urlOf(url)}${pathOf(request)}`;
}

/** Prices are anybody's, from any origin, which a browser allows without the cookie alone. */
export function credentialsOf({ stream }: StreamRequest): RequestCredentials {
  return stream === "prices" ? "same-origin" : "include";
}
