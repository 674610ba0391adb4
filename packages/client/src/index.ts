/** `@broadtape/client`: the SDK for browsers and Node.js. */
export { Broadtape, type BroadtapeOptions, type Following } from "./broadtape.ts";
export type { ConnectionOptions, ConnectionState, ConnectionStatus, TokenSource } from "./connection.ts";
export type { Environment } from "./environment.ts";
export type { Fold } from "./folds.ts";
export { MarketDataClient, type MarketDataClientOptions, type Price, type PriceCallback } from "./market-data-client.ts";
export type { PersistOptions } from "./persist.ts";
export type { Store } from "./store.ts";
export type { TopicHandlers, TopicOptions } from "./topic.ts";
