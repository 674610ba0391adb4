/** `@broadtape/client/streams`: event streams of orders, positions, prices, decisions and alerts; apart from the rest, so that others do not load it. */
export type { StreamEnvironment, TabChannel, Tabs } from "./environment.ts";
export type {
  AgentStatus,
  AiDecision,
  OrderFill,
  OrderSnapshot,
  PositionUpdate,
  StrategyUpdate,
  StreamAlert,
  StreamMessages,
  StreamName,
  StreamOrder,
  StreamPosition,
  StreamPrice,
  StreamTrade,
} from "./messages.ts";
export type { Portfolio, StreamShown, StreamStores } from "./shown.ts";
export { StreamClient, type StreamClientOptions, type StreamOptions } from "./stream-client.ts";
export type { StreamAccess, StreamRequest } from "./stream-request.ts";
export { StreamError, type StreamStatus } from "./stream-status.ts";
export { type StreamView, Streams } from "./streams.ts";
