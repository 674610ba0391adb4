/** Open positions with what they are worth now: the server values them at every price. */
import type { ReactElement } from "react";
import type { FollowedPositions } from "@broadtape/client/trading";
import { toBig } from "@broadtape/protocol/money";
import type { Position } from "@broadtape/protocol/products/trading/entities";
import { useTopic } from "@broadtape/react";
import { useDesk } from "../desk/desk-context.ts";
import { type Column, DataTable, toneOf } from "../dock/data-table.tsx";
import { Panel } from "../dock/panel.tsx";
import { averaged, grouped } from "../rfq/digits.ts";
import { CashLine } from "./cash-line.tsx";
import styles from "./trading.module.css";

const COLUMNS: readonly Column<Position>[] = [
  { name: "symbol", title: "Symbol", width: "5.2rem", text: ({ symbol }) => symbol },
  { name: "side", title: "Side", width: "3.5rem", text: ({ side }) => side },
  { name: "quantity", title: "Quantity", width: "4.9rem", number: ({ quantity }) => quantity, write: grouped },
  { name: "entry", title: "Entry", width: "6.7rem", number: ({ entryPrice }) => entryPrice, write: averaged },
  { name: "price", title: "Price", width: "6.7rem", number: ({ currentPrice }) => currentPrice },
  { name: "unrealized", title: "Unrealized", width: "7rem", number: ({ unrealizedPnL }) => unrealizedPnL, write: grouped, isGain: true },
  {
    name: "percent",
    title: "%",
    width: "5.2rem",
    number: ({ unrealizedPnLPercent }) => unrealizedPnLPercent,
    isGain: true,
    isOptional: true,
  },
  { name: "total", title: "Total P&L", width: "7rem", number: ({ totalPnL }) => totalPnL, write: grouped, isGain: true },
  {
    name: "realized",
    title: "Realized",
    width: "7rem",
    number: ({ realizedPnL }) => realizedPnL,
    write: grouped,
    isGain: true,
    isOptional: true,
  },
];

const NONE: readonly Position[] = [];

export function PositionsPanel(): ReactElement {
  const { freshness } = useDesk();
  // Folded by TRADING_FOLDS.
  const state = useTopic("positions:me") as FollowedPositions | null | undefined;
  const positions = state?.positions ?? NONE;
  const sum = positions.reduce((total, { totalPnL }) => total.plus(toBig(totalPnL)), toBig(0)).toFixed();
  return (
    <Panel
      name="Positions"
      freshness={freshness.positions}
      footer={
        <>
          <span className={styles.sum}>
            Value <b data-field="total-value">{state === null || state === undefined ? "–" : grouped(state.totalValue)}</b>
          </span>
          <span className={styles.sum} data-tone={toneOf(sum)} title="The sum of the positions' total P&L, each as it is quoted">
            P&L <b data-field="total-pnl">{toneOf(sum) === "up" ? `+${grouped(sum)}` : grouped(sum)}</b>
          </span>
        </>
      }
    >
      <CashLine />
      <DataTable
        columns={COLUMNS}
        rows={positions}
        keyOf={idOf}
        empty={state === undefined ? "Loading the positions…" : "No open positions."}
      />
    </Panel>
  );
}

const idOf = ({ id }: Position) => id;
