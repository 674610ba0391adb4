/** Trading (contract 40-trading): each user's orders, positions, trades and balances, and the tenant's for its monitors. */
import { catalogue } from "@broadtape/protocol/catalogue";
import { USER_ID } from "@broadtape/protocol/ids";
import { type TradingShown, tradingShownOf } from "@broadtape/protocol/products/trading/messages";
import { type Monitor, foldMonitor, monitorSnapshotOf } from "@broadtape/protocol/products/trading/monitor";
import { valuesOf } from "@broadtape/protocol/products/trading/shelf";
import {
  type Balances,
  type Orders,
  type Positions,
  type Trades,
  foldBalances,
  foldOrders,
  foldPositions,
  foldTrades,
} from "@broadtape/protocol/products/trading/state";
import { totalValueOf } from "@broadtape/protocol/products/trading/valuation";
import type { DomainEvent, Product, TopicKind, View } from "../../engine/product.ts";
import { type Prices, revaluing, valuedPositions } from "./valued.ts";

/** The permission to see the tenant's trading, and the topic that shows it. */
export const MONITOR = "trading:monitor";

type TradingDomainEvent = DomainEvent & { readonly data: { readonly userId: string } };
type Kind = "orders" | "positions" | "trades" | "balances";

export const orders: View<Orders, TradingDomainEvent> = {
  name: "orders",
  version: 1,
  entityOf: (event) => userIf("orders", event),
  fold: foldOrders,
};

/** As published. What a price makes of them is derived where they are shown (`valued.ts`), and kept nowhere. */
export const positions: View<Positions, TradingDomainEvent> = {
  name: "positions",
  version: 1,
  entityOf: (event) => userIf("positions", event),
  fold: foldPositions,
};

export const trades: View<Trades, TradingDomainEvent> = {
  name: "trades",
  version: 1,
  entityOf: (event) => userIf("trades", event),
  fold: foldTrades,
};

export const balances: View<Balances, TradingDomainEvent> = {
  name: "balances",
  version: 1,
  entityOf: (event) => userIf("balances", event),
  fold: foldBalances,
};

/** One entity a tenant. */
export const monitor: View<Monitor, TradingDomainEvent> = {
  name: "trading-monitor",
  version: 1,
  entityOf: (event) => (kindOf(event) === "balances" ? undefined : MONITOR),
  fold: foldMonitor,
};

const ofUser = {
  lossless: true,
  param: (written, { userId }) => (written === "me" ? userId : USER_ID.test(written) ? written : undefined),
  mayFollow: ({ userId, team }, param) => param === userId || team.has(param),
  entity: (param) => param,
} as const satisfies Partial<TopicKind>;

const ORDER_FIELDS = ["id", "symbol", "side", "type", "status", "quantity", "price"].map((field) => `order.${field}`);
const POSITION_FIELDS = ["id", "symbol", "side", "status", "quantity", "currentPrice", "unrealizedPnL"].map((field) => `position.${field}`);
const TRADE_FIELDS = ["id", "orderId", "symbol", "side", "type", "quantity", "price", "value"].map((field) => `trade.${field}`);

const ordersTopic: TopicKind<Orders> = {
  ...ofUser,
  kind: "orders",
  view: orders,
  render: (state) => JSON.stringify({ orders: valuesOf(state) }),
  filterable: ORDER_FIELDS,
};

const positionsTopic = (prices: Prices): TopicKind<Positions> => ({
  ...ofUser,
  kind: "positions",
  view: positions,
  render: (state, _now, lookup) => {
    const open = valuedPositions(state, prices, lookup);
    return JSON.stringify({ positions: open, totalValue: totalValueOf(open) });
  },
  deriving: revaluing(prices),
  filterable: POSITION_FIELDS,
});

const tradesTopic: TopicKind<Trades> = {
  ...ofUser,
  kind: "trades",
  view: trades,
  render: (state) => JSON.stringify({ trades: valuesOf(state) }),
  filterable: TRADE_FIELDS,
};

const balancesTopic: TopicKind<Balances> = {
  ...ofUser,
  kind: "balances",
  view: balances,
  render: (state) => JSON.stringify({ balances: valuesOf(state) }),
  filterable: ["balance.currency"],
};

const monitorTopic: TopicKind<Monitor> = {
  kind: "trading",
  lossless: true,
  param: (written) => (written === "monitor" ? written : undefined),
  mayFollow: ({ permissions }) => permissions.has(MONITOR),
  view: monitor,
  entity: () => MONITOR,
  render: (state) => JSON.stringify(monitorSnapshotOf(state)),
  filterable: ["userId", ...ORDER_FIELDS, ...POSITION_FIELDS, ...TRADE_FIELDS],
};

/** `prices`: what positions are worth is asked of them. */
export const tradingProduct = (prices: Prices): Product<TradingDomainEvent> => ({
  name: "trading",
  types: {
    "trading.order.created": catalogue["trading.order.created"],
    "trading.order.submitted": catalogue["trading.order.submitted"],
    "trading.order.filled": catalogue["trading.order.filled"],
    "trading.order.cancelled": catalogue["trading.order.cancelled"],
    "trading.order.rejected": catalogue["trading.order.rejected"],
    "trading.position.opened": catalogue["trading.position.opened"],
    "trading.position.updated": catalogue["trading.position.updated"],
    "trading.position.closed": catalogue["trading.position.closed"],
    "trading.trade.executed": catalogue["trading.trade.executed"],
    "trading.balance.updated": catalogue["trading.balance.updated"],
  },
  views: [orders, positions, trades, balances, monitor],
  topics: [ordersTopic, positionsTopic(prices), tradesTopic, balancesTopic, monitorTopic] as readonly TopicKind[],
  topicsOf: topicsOfEvent,
  tell: (event) => {
    const data = JSON.stringify({ userId: event.data.userId, ...shownOf(event) });
    return topicsOfEvent(event).map((topic) => ({ topic, event: event.type, data }));
  },
});

function topicsOfEvent(event: TradingDomainEvent): string[] {
  const kind = kindOf(event);
  const own = `${kind}:${event.data.userId}`;
  return kind === "balances" ? [own] : [own, MONITOR];
}

function userIf(kind: Kind, event: TradingDomainEvent): string | undefined {
  return kindOf(event) === kind ? event.data.userId : undefined;
}

/** By the second word of a type. */
const KIND_OF: Readonly<Record<string, Kind>> = { order: "orders", position: "positions", trade: "trades", balance: "balances" };

function kindOf({ type }: TradingDomainEvent): Kind {
  const kind = KIND_OF[type.split(".")[1] ?? ""];
  if (kind === undefined) throw new Error(`${type} is none of this product's`);
  return kind;
}

function shownOf({ type, data }: TradingDomainEvent): TradingShown {
  const shown = tradingShownOf(type, data);
  if (shown === undefined) throw new Error(`${type} is none of this product's`);
  return shown;
}
