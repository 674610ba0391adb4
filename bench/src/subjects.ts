/** Who is measured: Broadtape on each wire, and the peer of each. */
import type { Subject } from "./rig.ts";

export const WS_NAIVE: Subject = { name: "ws, one send a client", file: "ws-naive", wire: "websocket" };
export const BROADTAPE_WS: Subject = { name: "Broadtape, WebSocket", file: "broadtape", wire: "native" };
export const SOCKET_IO: Subject = { name: "stock Socket.IO", file: "socket-io-stock", wire: "socket-io" };
export const BROADTAPE_SOCKET_IO: Subject = { name: "Broadtape, Socket.IO", file: "broadtape", wire: "socket-io-namespace" };
export const BETTER_SSE: Subject = { name: "better-sse", file: "better-sse", wire: "sse" };
export const RES_WRITE: Subject = { name: "SSE by res.write", file: "res-write", wire: "sse" };
export const BROADTAPE_SSE: Subject = { name: "Broadtape, SSE", file: "broadtape", wire: "sse" };

export const RES_WRITE_GZIP: Subject = { ...RES_WRITE, name: "res.write, a gzip a client", wire: "sse-gzip", env: { BENCH_GZIP: "on" } };
export const BROADTAPE_SSE_GZIP: Subject = { ...BROADTAPE_SSE, name: "Broadtape, SSE with gzip", wire: "sse-gzip" };

export const FEED: Subject = {
  name: "Broadtape, money feed",
  file: "broadtape",
  wire: "feed",
  env: { BENCH_EVENT: "transaction.completed" },
};

export const ALL: readonly Subject[] = [WS_NAIVE, BROADTAPE_WS, SOCKET_IO, BROADTAPE_SOCKET_IO, BETTER_SSE, RES_WRITE, BROADTAPE_SSE];

/** The same with conflation over a window instead of a turn of the event loop. */
export function withWindow(subject: Subject, ms: number): Subject {
  return { ...subject, name: `${subject.name}, ${ms} ms window`, env: { ...subject.env, BROADTAPE_LIMIT_FLUSH_WINDOW_MS: String(ms) } };
}

/** The same on events of the lossless class. */
export function lossless(subject: Subject): Subject {
  return { ...subject, name: `${subject.name}, lossless`, env: { ...subject.env, BENCH_EVENT: "bench.feed" } };
}
