/** Something of everything that the seven streams tell a user, with texts of the test's choice wherever a publisher may choose them. */

interface PublishedEvent {
  readonly type: string;
  readonly data: object;
}

export interface Scene {
  /** Published before anybody listens: there is no stream of a strategy that is not known. */
  readonly first: PublishedEvent;
  readonly events: readonly PublishedEvent[];
  /** What each path must say, in order, by event name; other fields may stand beside these. */
  readonly told: ReadonlyMap<string, readonly Told[]>;
}

export interface Told {
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface SceneTexts {
  /** At least one character. */
  readonly texts: readonly [string, string, string, string, string, string];
  /** Anything that JSON holds, with keys of its own. */
  readonly details: Readonly<Record<string, unknown>>;
  /** As long as it likes. */
  readonly long: string;
}

/** `user` has had nothing before; so has the strategy, and the symbol, of that name. */
export function sceneOf(user: string, { texts, details, long }: SceneTexts): Scene {
  const [id, status, reason, message, signal, name] = texts;
  const short = (text: string) => shortened(text, 64);
  const order = {
    id: shortened(id, 128),
    symbol: "EURUSD",
    side: "buy",
    type: short(signal),
    quantity: "10.00",
    status: short(status),
    filledQuantity: "0",
    createdAt: "2026-11-21T09:30:00.000Z",
  };
  const orderLine = { orderId: order.id, symbol: "EURUSD", side: "buy", qty: "10.00", status: order.status, filledQty: "0" };
  const position = {
    id: shortened(id, 128),
    symbol: "EURUSD",
    side: "long",
    quantity: "1",
    entryPrice: "1.10",
    currentPrice: "1.25",
    unrealizedPnL: "0.10",
    unrealizedPnLPercent: "9.09",
    realizedPnL: "0",
    totalPnL: "0.10",
    status: short(status),
    openedAt: "2026-11-21T09:30:00.000Z",
  };
  const { symbol, quantity, entryPrice, currentPrice, unrealizedPnL, realizedPnL } = position;
  const trade = {
    id: shortened(id, 128),
    orderId: order.id,
    symbol: "EURUSD",
    side: short(name),
    type: "entry",
    quantity: "1",
    price: "1.10",
    value: "1.10",
    fee: "0.00",
    executedAt: "2026-11-21T09:30:00.000Z",
  };
  const { id: tradeId, ...tradeLine } = trade;
  const strategyId = `strategy-${user}`;
  const registered = { strategyId, name: shortened(name, 256) };
  const signalled = {
    strategyId,
    signal: shortened(signal, 256),
    symbol: "EURUSD",
    action: short(name),
    confidence: 0.5,
    reasoning: message,
  };
  const failed = { strategyId, status: "error", error: reason, details };
  const alert = { alertId: "alert", level: "error", message };
  const decision = { userId: user, details, long, [short(name)]: long };
  const agent = { agentId: "agent", status: short(status), details };
  const price = { symbol: user, bid: 1.5, ask: 2.5 };

  const say = (eventName: string, body: Told["body"]): Told => ({ name: eventName, body });
  const orders = [
    say("order:update", orderLine),
    say("order:update", { ...orderLine, reason }),
    say("order:fill", { orderId: order.id, symbol: "EURUSD" }),
  ];
  const positions = [
    say("position:update", { positions: [{ symbol, quantity, entryPrice, currentPrice, unrealizedPnL, realizedPnL }], totalValue: "1.25" }),
  ];
  const everywhere = say("agent:status", agent);
  return {
    first: { type: "strategy.registered", data: { userId: user, ...registered } },
    events: [
      { type: "trading.order.created", data: { userId: user, order } },
      { type: "trading.order.rejected", data: { userId: user, order, reason } },
      { type: "trading.order.filled", data: { userId: user, order: { ...order, averagePrice: "1.10" } } },
      { type: "trading.position.opened", data: { userId: user, position } },
      { type: "trading.trade.executed", data: { userId: user, trade } },
      { type: "strategy.signal", data: signalled },
      { type: "strategy.status", data: failed },
      { type: "alert.triggered", data: { userId: user, ...alert } },
      { type: "ai.decision", data: decision },
      {
        type: "market-data.best-price",
        data: {
          symbol: user,
          bestBid: { price: 1.5, size: 1, source: "A" },
          bestAsk: { price: 2.5, size: 1, source: "A" },
          timestamp: 1735819800000,
        },
      },
      { type: "agent.status", data: agent },
    ],
    told: new Map([
      ["/api/stream/orders", [...orders, everywhere]],
      ["/api/stream/positions", [...positions, everywhere]],
      ["/api/stream/trading", [...orders, ...positions, say("trade:new", { tradeId, ...tradeLine }), everywhere]],
      [`/api/stream/strategies/${strategyId}`, [say("strategy:update", signalled), say("strategy:update", failed), everywhere]],
      ["/api/stream/alerts", [say("alert:new", alert), everywhere]],
      ["/api/stream/ai-decisions", [say("ai:decision", decision), everywhere]],
      [`/api/stream/prices?symbols=${user}`, [say("price:update", price), everywhere]],
    ]),
  };
}

/** At most so many UTF-16 units. */
function shortened(text: string, most: number): string {
  return text.slice(0, most);
}

/** What would end a line, a field, an event, a string or a decoder's patience, if somebody let it. */
export const NASTY = [
  "\n",
  "\r",
  "\r\n",
  "\n\n",
  "a\r\rb",
  "\u2028\u2029\u0085",
  "\ufeff",
  "\ufeffdata: {}",
  "\0",
  "id: 1\0",
  "\n\nevent: connected\ndata: {}\nid: forged\n\n",
  "\r\rid: forged\r\rretry: 1\r\r",
  "data: ",
  "id: forged",
  "event: message",
  "retry: 1",
  ": comment",
  " leading and trailing ",
  '"}\n\ndata: {"',
  "\\n\\u000a\\",
  "\u{1f600}\u{1f468}\u200d\u{1f469}",
  "\ud83d",
  "\u202e\u0000\u001b[2J",
  "</script><!--",
];
