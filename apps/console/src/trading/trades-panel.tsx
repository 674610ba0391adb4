/** The user's executed trades, newest first. */
import { type ReactElement, useMemo } from "react";
import type { FollowedTrades } from "@broadtape/client/trading";
import type { Trade } from "@broadtape/protocol/products/trading/entities";
import { useTopic } from "@broadtape/react";
import { useDesk } from "../desk/desk-context.ts";
import { type Column, DataTable } from "../dock/data-table.tsx";
import { Panel } from "../dock/panel.tsx";
import { grouped } from "../rfq/digits.ts";
import { clockTime } from "../wallet/clock-time.ts";
import { useWay } from "./use-way.ts";

const COLUMNS: readonly Column<Trade>[] = [
  { name: "time", title: "Time", width: "5.1rem", text: ({ executedAt }) => clockTime(executedAt) },
  { name: "symbol", title: "Symbol", width: "5.2rem", text: ({ symbol }) => symbol },
  { name: "side", title: "Side", width: "3.2rem", text: ({ side }) => side },
  { name: "type", title: "Type", width: "3.4rem", text: ({ type }) => type, isOptional: true },
  { name: "quantity", title: "Quantity", width: "5.2rem", number: ({ quantity }) => quantity, write: grouped },
  { name: "price", title: "Price", width: "6.5rem", number: ({ price }) => price },
  { name: "value", title: "Value", width: "7rem", number: ({ value }) => value, write: grouped },
  { name: "fee", title: "Fee", width: "4.5rem", number: ({ fee }) => fee },
];

const NONE: readonly Trade[] = [];

export function TradesPanel(): ReactElement {
  const { freshness } = useDesk();
  const columns = useColumns();
  // Folded by TRADING_FOLDS.
  const state = useTopic("trades:me") as FollowedTrades | null | undefined;
  const trades = state?.trades ?? NONE;
  const shown = useMemo(() => [...trades].reverse(), [trades]);
  return (
    <Panel name="Trades" freshness={freshness.trades} footer={<span data-field="count">{trades.length} trades</span>}>
      <DataTable columns={columns} rows={shown} keyOf={idOf} empty={state === undefined ? "Loading the trades…" : "No trades."} />
    </Panel>
  );
}

/** With the way to what the server did with the row's newest event. */
function useColumns(): readonly Column<Trade>[] {
  const wayOf = useWay("trades");
  return useMemo(() => {
    const linkOf = ({ id }: Trade) => {
      const address = wayOf(id);
      return address === undefined ? undefined : { address, text: "Follow", name: `Follow trade ${id}` };
    };
    // First, where it is seen however narrow the panel is.
    return [{ name: "way", title: "Way", width: "4.4rem", link: linkOf }, ...COLUMNS];
  }, [wayOf]);
}

const idOf = ({ id }: Trade) => id;
