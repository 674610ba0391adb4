/** The kinds of topics in words, for whoever looks for something to follow: how they are written, what they bring, and to whom. */

export interface TopicWords {
  /** How its topics are written. */
  readonly name: string;
  readonly description: string;
  readonly who: string;
}

const OWN = "The user alone; `me` stands for one's own id.";
const OWN_AND_TEAM = "The user, and whoever has the user in the team; `me` stands for one's own id.";

export const topicKinds: Readonly<Record<string, TopicWords>> = {
  symbol: {
    name: "symbol:{symbol}",
    description: "The best price of a symbol. `symbol:*`: of all.",
    who: "Everybody; `*` with the permission `market-data:firehose`.",
  },
  rfq: {
    name: "rfq:{rfqId}",
    description: "An RFQ through its life: quotes, their ranking, its countdown.",
    who: "Its trader; with `rfq:read:team` whoever has the trader in the team; with `rfq:read:tenant` the tenant.",
  },
  trader: {
    name: "trader:{userId}",
    description: "The RFQs of a trader, as they begin, change and end.",
    who: "The trader; with `rfq:read:team` whoever has the trader in the team; with `rfq:read:tenant` the tenant.",
  },
  transactions: { name: "transactions:{userId}", description: "The transactions of a user.", who: OWN },
  wallets: { name: "wallets:{userId}", description: "The balances of a user's wallets, and what else changes in them.", who: OWN },
  fraud: { name: "fraud:{userId}", description: "Transactions of a user that look like fraud.", who: OWN },
  alerts: { name: "alerts:{userId}", description: "What a user is to be told of at once.", who: OWN },
  decisions: { name: "decisions:{userId}", description: "What an AI decided for a user.", who: OWN },
  strategy: {
    name: "strategy:{strategyId}",
    description: "What a strategy would do, and how it is.",
    who: "The user whose strategy it is.",
  },
  agents: { name: "agents", description: "How the tenant's agents are.", who: "Everybody of the tenant." },
  orders: { name: "orders:{userId}", description: "The orders of a user.", who: OWN_AND_TEAM },
  positions: { name: "positions:{userId}", description: "The positions of a user, and what they are worth.", who: OWN_AND_TEAM },
  trades: { name: "trades:{userId}", description: "The trades of a user.", who: OWN_AND_TEAM },
  balances: { name: "balances:{userId}", description: "The trading balances of a user.", who: OWN_AND_TEAM },
  trading: { name: "trading:monitor", description: "All trading of the tenant.", who: "With the permission `trading:monitor`." },
};
