const RECORDED = ["EURUSD", "NZDUSD", "XAUUSD"];

/** What fits on a page, and in one client's subscriptions (contract 10-market-data). */
export const MAX_SYMBOLS = 100;

/** The rows of the page: the recorded symbols, then those that its address names (`?symbols=ACME,EUR/USD`). */
export function symbolsOf(search: string): readonly string[] {
  const named = (new URLSearchParams(search).get("symbols") ?? "").split(",").map((symbol) => symbol.trim());
  return [...new Set([...RECORDED, ...named.filter(Boolean)])].slice(0, MAX_SYMBOLS);
}
