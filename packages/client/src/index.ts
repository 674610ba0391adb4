/** `@broadtape/client`: the SDK for browsers and Node.js. */
export { Broadtape, type BroadtapeOptions, type Following } from "./broadtape.ts";
export type { ConnectionOptions, TokenSource } from "./connection-options.ts";
export type { ConnectionState, ConnectionStatus } from "./connection-state.ts";
export type { Environment } from "./environment.ts";
export type { Fold, Folds } from "./folds.ts";
export type { Link, LinkEnd, LinkEvents, LinkMessage, LinkRequest, StatusMessage, Transport } from "./link.ts";
export {
  MarketDataClient,
  type MarketDataClientOptions,
  type PriceCallback,
  type PriceOptions,
  type SubscribeResult,
} from "./market-data-client.ts";
export type { PersistOptions } from "./persist.ts";
export type { Store } from "./store.ts";
export type { TopicOptions } from "./topic.ts";
export {
  type EventOf,
  type FollowStatus,
  type Plain,
  type Price,
  type SnapshotPlace,
  type StateOf,
  type TapeEvent,
  type TopicHandlers,
  type TopicKinds,
  isEvent,
} from "./types.ts";
