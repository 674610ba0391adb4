/** All event types and the schema of their data: the one place where their TypeScript types, checks and JSON Schemas come from. */
import { z } from "zod";
import { agentStatus } from "./products/agents/schema.ts";
import { alertTriggered } from "./products/alerts/schema.ts";
import { aiDecision } from "./products/decisions/schema.ts";
import { bestPriceData, quoteData, quoteStaleData } from "./products/market-data/schema.ts";
import {
  quoteExpired,
  quoteReceived,
  quotesRanked,
  rfqCancelled,
  rfqCreated,
  rfqDistributed,
  rfqExpired,
  rfqExtended,
  rfqFilled,
  rfqQuoted,
  rfqValidated,
} from "./products/rfq/schema.ts";
import { strategyRegistered, strategySignal, strategyStatus } from "./products/strategies/schema.ts";
import { balanceData, orderCancelledData, orderData, orderRejectedData, positionData, tradeData } from "./products/trading/schema.ts";
import { fraudAlertData, transactionData, walletBalanceData, walletChangedData } from "./products/transactions/schema.ts";

/** One event type. `internal` ones are published by the server itself and refused from outside. */
export interface EventType {
  readonly schema: z.ZodType;
  readonly description: string;
  readonly internal?: true;
}

export const catalogue = {
  "market-data.best-price": { schema: bestPriceData, description: "The best price of a symbol, made by the publisher." },
  "market-data.quote": { schema: quoteData, description: "One venue's or liquidity provider's quote, folded into a best price." },
  "market-data.quote-stale": {
    schema: quoteStaleData,
    description: "A source was silent for too long and left the best price.",
    internal: true,
  },
  "rfq.created": { schema: rfqCreated, description: "A trader asks for prices." },
  "rfq.validated": { schema: rfqValidated, description: "An RFQ passed its checks." },
  "rfq.distributed": { schema: rfqDistributed, description: "An RFQ was sent to liquidity providers." },
  "quote.received": { schema: quoteReceived, description: "A liquidity provider's quote, or a change of it." },
  "quotes.ranked": { schema: quotesRanked, description: "How the quotes that stand are ranked." },
  "quote.expired": { schema: quoteExpired, description: "A quote lapsed or was withdrawn." },
  "rfq.quoted": { schema: rfqQuoted, description: "An RFQ has quotes that the trader may take." },
  "rfq.filled": { schema: rfqFilled, description: "A quote was taken." },
  "rfq.expired": { schema: rfqExpired, description: "An RFQ's time was up." },
  "rfq.cancelled": { schema: rfqCancelled, description: "An RFQ was cancelled." },
  "rfq.extended": { schema: rfqExtended, description: "An RFQ has more time." },
  "transaction.created": { schema: transactionData, description: "A transaction of a user's began." },
  "transaction.updated": { schema: transactionData, description: "Something about a transaction changed." },
  "transaction.completed": { schema: transactionData, description: "A transaction came to its end." },
  "wallet.balance": { schema: walletBalanceData, description: "The balance of a user's wallet, as it stands now." },
  "wallet.changed": { schema: walletChangedData, description: "A wallet was created, frozen, unfrozen or closed." },
  "fraud.alert": { schema: fraudAlertData, description: "A transaction looks like fraud." },
  "trading.order.created": { schema: orderData, description: "An order of a user's was made." },
  "trading.order.submitted": { schema: orderData, description: "An order was sent to its market." },
  "trading.order.filled": { schema: orderData, description: "An order was filled, in part or in full." },
  "trading.order.cancelled": { schema: orderCancelledData, description: "An order was cancelled." },
  "trading.order.rejected": { schema: orderRejectedData, description: "An order was rejected, with the reason." },
  "trading.position.opened": { schema: positionData, description: "A position of a user's was opened." },
  "trading.position.updated": { schema: positionData, description: "Something about a position changed." },
  "trading.position.closed": { schema: positionData, description: "A position was closed." },
  "trading.trade.executed": { schema: tradeData, description: "A trade of a user's was made." },
  "trading.balance.updated": { schema: balanceData, description: "A user's trading balance in a currency, as it stands now." },
  "alert.triggered": { schema: alertTriggered, description: "Something that a user is to be told of at once." },
  "ai.decision": { schema: aiDecision, description: "What an AI decided for a user." },
  "strategy.registered": { schema: strategyRegistered, description: "A strategy of a user's is known from now on." },
  "strategy.signal": { schema: strategySignal, description: "A strategy says what it would do." },
  "strategy.status": { schema: strategyStatus, description: "A strategy was started or stopped, or failed." },
  "agent.status": { schema: agentStatus, description: "How an agent of the tenant is." },
} as const satisfies Record<string, EventType>;

export type EventTypeName = keyof typeof catalogue;

/** The checked `data` of an event type. */
export type EventData<T extends EventTypeName> = z.infer<(typeof catalogue)[T]["schema"]>;

/** JSON Schema (draft 2020-12) of an event type's data. */
export function jsonSchemaOf(schema: z.ZodType): unknown {
  return z.toJSONSchema(schema, {
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const plain = (z.globalRegistry.get(zodSchema) as { jsonSchema?: object } | undefined)?.jsonSchema;
      if (plain === undefined) return;
      for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
      Object.assign(jsonSchema, plain);
    },
  });
}
