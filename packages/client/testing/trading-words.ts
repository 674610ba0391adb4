/** Orders, positions, trades and balances as the server shows them, for tests. */
export const TIME = "2026-11-21T12:00:00.000Z";

export const order = (id: string, over: object = {}) => ({
  id,
  symbol: "AAPL",
  side: "buy",
  type: "limit",
  quantity: "10",
  price: "187.50",
  status: "open",
  filledQuantity: "0",
  averagePrice: null,
  createdAt: TIME,
  ...over,
});

export const position = (id: string, over: object = {}) => ({
  id,
  symbol: "AAPL",
  side: "long",
  quantity: "10",
  entryPrice: "187.50",
  currentPrice: "188.00",
  unrealizedPnL: "5.00",
  unrealizedPnLPercent: "0.2667",
  realizedPnL: "0",
  totalPnL: "5.00",
  status: "open",
  openedAt: TIME,
  ...over,
});

export const trade = (id: string) => ({
  id,
  orderId: "o1",
  symbol: "AAPL",
  side: "buy",
  type: "entry",
  quantity: "10",
  price: "187.50",
  value: "1875.00",
  fee: "1.00",
  executedAt: TIME,
});

export const balance = (currency: string, total: string) => ({ currency, total, available: total, locked: "0" });
