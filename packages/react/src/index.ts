/** `@broadtape/react`: hooks over the SDK's external stores. */
export { BroadtapeProvider, useConnection, useTape } from "./context.tsx";
export { useMarketData } from "./use-market-data.ts";
export { type RfqShown, useRfq, useTraderRfqs } from "./use-rfq.ts";
export { useTopic } from "./use-topic.ts";
export { type TransactionsShown, useBalances, useTransactions } from "./use-transactions.ts";
