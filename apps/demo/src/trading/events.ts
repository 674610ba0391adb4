/** The events that the demo's books publish, with ids that are the same whenever the same is told. */
import type { EventTypeName } from "@broadtape/protocol/catalogue";
import type { Balance, Order, Position, Trade } from "@broadtape/protocol/products/trading/entities";

type Named<T extends EventTypeName, Of> = {
  readonly type: T;
  /** What happened to which order: told again after a restart, the server takes it for what it is, a repetition. */
  readonly id: string;
  readonly data: { readonly userId: string } & Of;
};

export type TradingEvent =
  | Named<"trading.order.created" | "trading.order.submitted" | "trading.order.filled", { readonly order: Order }>
  | Named<"trading.order.cancelled" | "trading.order.rejected", { readonly order: Order; readonly reason: string }>
  | Named<"trading.position.opened" | "trading.position.updated" | "trading.position.closed", { readonly position: Position }>
  | Named<"trading.trade.executed", { readonly trade: Trade }>
  | Named<"trading.balance.updated", { readonly balance: Balance }>;

const SOURCE = "demo/trading";

/** A line of NDJSON. */
export function lineOf({ type, id, data }: TradingEvent, tenant: string, time: number): string {
  return JSON.stringify({
    type,
    source: SOURCE,
    id,
    time: new Date(time).toISOString(),
    subject: data.userId,
    tenantid: tenant,
    data,
  });
}
