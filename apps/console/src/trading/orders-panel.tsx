/** The blotter: the user's orders, newest first. */
import { type ReactElement, useMemo, useState } from "react";
import type { FollowedOrders } from "@broadtape/client/trading";
import type { Order } from "@broadtape/protocol/products/trading/entities";
import { isOrderOpen } from "@broadtape/protocol/products/trading/state";
import { useTopic } from "@broadtape/react";
import { useDesk } from "../desk/desk-context.ts";
import { type Column, DataTable } from "../dock/data-table.tsx";
import { Panel } from "../dock/panel.tsx";
import { Choice } from "../dock/choice.tsx";
import { averaged, grouped } from "../rfq/digits.ts";
import { clockTime } from "../wallet/clock-time.ts";
import { useWay } from "./use-way.ts";

const COLUMNS: readonly Column<Order>[] = [
  { name: "time", title: "Time", width: "5.1rem", text: ({ createdAt }) => clockTime(createdAt) },
  { name: "symbol", title: "Symbol", width: "5.2rem", text: ({ symbol }) => symbol },
  { name: "side", title: "Side", width: "3.7rem", text: ({ side }) => side },
  { name: "type", title: "Type", width: "4.2rem", text: ({ type }) => wordsOf(type), isOptional: true },
  { name: "quantity", title: "Quantity", width: "5.2rem", number: ({ quantity }) => quantity, write: grouped },
  { name: "price", title: "Price", width: "6.3rem", number: ({ price }) => price },
  { name: "filled", title: "Filled", width: "5.2rem", number: ({ filledQuantity }) => filledQuantity, write: grouped },
  { name: "average", title: "Average", width: "6.3rem", number: ({ averagePrice }) => averagePrice, write: averaged },
  { name: "status", title: "Status", width: "6.2rem", text: ({ status }) => wordsOf(status) },
];

/** What the eye takes in; the rest is history. */
const MAX_SHOWN = 200;
const NONE: readonly Order[] = [];
const VIEWS = ["all", "open"] as const;

export function OrdersPanel(): ReactElement {
  const { freshness } = useDesk();
  const columns = useColumns();
  // Folded by TRADING_FOLDS.
  const state = useTopic("orders:me") as FollowedOrders | null | undefined;
  const [view, setView] = useState<(typeof VIEWS)[number]>("all");
  const orders = state?.orders ?? NONE;
  const open = useMemo(() => orders.filter((order) => isOrderOpen("", order)), [orders]);
  const shown = useMemo(() => (view === "open" ? open : orders).slice(-MAX_SHOWN).reverse(), [view, open, orders]);
  return (
    <Panel
      name="Orders"
      freshness={freshness.orders}
      footer={
        <>
          <span data-field="count">
            {open.length} open of {orders.length}
          </span>
          <Choice label="Orders shown" values={VIEWS} value={view} onChange={setView} />
        </>
      }
    >
      <DataTable columns={columns} rows={shown} keyOf={idOf} empty={state === undefined ? "Loading the orders…" : "No orders."} />
    </Panel>
  );
}

/** With the way to what the server did with the row's newest event. */
function useColumns(): readonly Column<Order>[] {
  const wayOf = useWay("orders");
  return useMemo(() => {
    const linkOf = ({ id }: Order) => {
      const address = wayOf(id);
      return address === undefined ? undefined : { address, text: "Follow", name: `Follow order ${id}` };
    };
    // First, where it is seen however narrow the panel is.
    return [{ name: "way", title: "Way", width: "3.7rem", link: linkOf }, ...COLUMNS];
  }, [wayOf]);
}

const idOf = ({ id }: Order) => id;

/** `partially_filled` as `partially filled`. */
function wordsOf(code: string): string {
  return code.toLowerCase().replaceAll("_", " ");
}
