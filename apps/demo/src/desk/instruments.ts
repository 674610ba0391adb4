/** What the desk trades: the symbols of the recording, with the digits and sizes that are usual for them. */

export interface Instrument {
  readonly symbol: string;
  /** Digits behind the point of a price. */
  readonly priceDigits: number;
  /** The unit of liquidity providers' spreads, in prices. */
  readonly point: string;
  /** Digits behind the point of a quantity. */
  readonly quantityDigits: number;
  /** What the demo's traders ask for. */
  readonly usualQuantities: readonly [string, ...string[]];
  readonly largestQuantity: string;
}

const currency = { priceDigits: 5, point: "0.00001", quantityDigits: 2, largestQuantity: "50000000" };

export const INSTRUMENTS: readonly [Instrument, ...Instrument[]] = [
  { symbol: "EURUSD", ...currency, usualQuantities: ["500000", "1000000", "2000000", "5000000"] },
  { symbol: "NZDUSD", ...currency, usualQuantities: ["250000", "500000", "1000000", "3000000"] },
  {
    symbol: "XAUUSD",
    priceDigits: 3,
    point: "0.02",
    quantityDigits: 3,
    usualQuantities: ["100", "250", "500", "2000"],
    largestQuantity: "20000",
  },
];

export function instrumentOf(symbol: string): Instrument | undefined {
  return INSTRUMENTS.find((each) => each.symbol === symbol);
}
