/** `@broadtape/react`: hooks over the SDK's external stores. */
export { BroadtapeProvider, useConnection, useTape } from "./context.tsx";
export { useMarketData } from "./use-market-data.ts";
export { useTopic } from "./use-topic.ts";
