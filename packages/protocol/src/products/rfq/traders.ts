/** A trader's RFQs (contract 60-native `trader:{id}`): the newest, each as far as it has got. */
import type { Decimal } from "../../money.ts";
import { type RfqCreated, isoOf } from "./schema.ts";
import { type RfqStatus, STATUS_OF } from "./state.ts";

export interface TraderRfq {
  readonly id: string;
  readonly symbol: string;
  readonly side: RfqCreated["side"];
  readonly quantity: Decimal;
  readonly status: RfqStatus;
  /** ISO 8601. */
  readonly expiresAt: string;
  readonly price?: Decimal;
}

export interface Trader {
  /** In the order of their creation. */
  readonly rfqs: readonly TraderRfq[];
}

/** A trader's list keeps the newest of its RFQs; older ones are found in history. */
const MAX_RFQS = 200;

interface Told {
  readonly type: string;
  readonly data: { readonly rfqId: string; readonly [field: string]: unknown };
}

export function foldTrader(state: Trader | undefined, { type, data }: Told): Trader | undefined {
  const all = state?.rfqs ?? [];
  if (type === "rfq.created") {
    const { rfqId: id, symbol, side, quantity, expiresAt } = data as unknown as RfqCreated;
    return { rfqs: [...all, { id, symbol, side, quantity, status: "pending" as const, expiresAt: isoOf(expiresAt) }].slice(-MAX_RFQS) };
  }
  if (!all.some(({ id }) => id === data.rfqId)) return state;
  return { rfqs: all.map((rfq) => (rfq.id === data.rfqId ? changed(rfq, type, data) : rfq)) };
}

function changed(rfq: TraderRfq, type: string, data: Readonly<Record<string, unknown>>): TraderRfq {
  const expiresAt = (data["newExpiresAt"] ?? (type === "rfq.distributed" ? data["expiresAt"] : undefined)) as
    string | number | null | undefined;
  return {
    ...rfq,
    status: STATUS_OF[type] ?? rfq.status,
    ...(expiresAt != null && { expiresAt: isoOf(expiresAt) }),
    ...(type === "rfq.filled" && { price: data["price"] as Decimal }),
  };
}
