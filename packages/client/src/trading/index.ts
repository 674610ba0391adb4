/** `@broadtape/client/trading`: orders, positions, trades and balances; apart from the rest, so that others do not load it. */
export { type FollowedBalances, type FollowedOrders, type FollowedPositions, type FollowedTrades, TRADING_FOLDS } from "./folds.ts";
export { TradingClient, type TradingClientOptions, type TradingEvents, type TradingState, type TradingStores } from "./trading-client.ts";
