/** `@broadtape/react`: hooks over the SDK's external stores. */
export { BroadtapeProvider, useConnection, useTape } from "./context.tsx";
export { StreamsProvider, useStreams } from "./streams-context.tsx";
export { useMarketData } from "./use-market-data.ts";
export { type RfqShown, useRfq, useTraderRfqs } from "./use-rfq.ts";
export { useAlerts, useOrderStream, usePositionStream, usePriceStream } from "./use-streams.ts";
export { useTopic } from "./use-topic.ts";
export { type TradingShown, useTradingEvents } from "./use-trading.ts";
export { type TransactionsShown, useBalances, useTransactions } from "./use-transactions.ts";
