/** The event of all measurements: a best price of about 300 bytes that carries when it was published. */

/** Stands once in every message and nowhere else; 16 digits of microseconds since the epoch follow. */
export const MARK = 0x5e; // ^

/** Microseconds since the epoch, on a clock that all processes of a machine share. */
export function micros(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}

export function priceOf(symbol: string): object {
  return {
    symbol,
    bestBid: { price: 1.39365, size: 1000000, source: `^${micros()}` },
    bestAsk: { price: 1.39368, size: 2500000, source: "VENUE-B" },
    midPrice: 1.393665,
    spread: 0.00003,
    spreadBps: 0.2152597503,
    timestamp: Date.now(),
  };
}

export function transactionOf(userId: string): object {
  const transaction = {
    id: "TXN-2026-11-21-0000017",
    amount: "50000.00",
    currency: "NGN",
    type: "TRANSFER",
    status: "SUCCESS",
    counterpartyName: "Adaeze Okafor",
    counterpartyPhone: "+2348012345678",
    description: `^${micros()} rent of November`,
    createdAt: "2026-11-21T09:30:00.000Z",
    fees: "25.00",
  };
  return { userId, transaction };
}

export const TOPICS = 1000;

export function symbolOf(index: number): string {
  return `SYM${String(index).padStart(4, "0")}`;
}
