/** Ids of what the desk makes. None repeats: a start of the demo has a name of its own. */

/** By it the desk knows an RFQ of its own, of whatever start. */
export const RFQ_PREFIX = "demo-rfq-";

const PREFIX = { rfq: RFQ_PREFIX, quote: "quote-", trade: "trade-" } as const;

export type NewId = (kind: keyof typeof PREFIX) => string;

export function idsOf(run: string): NewId {
  let numbers = 0;
  return (kind) => `${PREFIX[kind]}${run}-${(++numbers).toString(36)}`;
}
