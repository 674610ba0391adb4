/** The ticket on which quotes are asked for. */
import { type ReactElement, type SyntheticEvent, useState } from "react";
import { SHORTCUTS } from "../desk/shortcuts.ts";
import type { Ticket } from "./desk.ts";
import styles from "./rfq.module.css";

interface Properties {
  readonly symbols: readonly string[];
  readonly symbol: string;
  readonly onSymbol: (symbol: string) => void;
  readonly isBusy: boolean;
  readonly onRequest: (ticket: Ticket) => void;
}

const SIDES = [
  ["buy", "Buy"],
  ["sell", "Sell"],
  ["two-way", "Two-way"],
] as const;

export function TicketForm({ symbols, symbol, onSymbol, isBusy, onRequest }: Properties): ReactElement {
  const [side, setSide] = useState<Ticket["side"]>("buy");
  const [quantity, setQuantity] = useState("1000000");
  const [seconds, setSeconds] = useState("30");
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    onRequest({ symbol, side, quantity: quantity.trim(), seconds: Number(seconds) });
  };
  return (
    <form className={styles.ticket} onSubmit={submit} aria-label="RFQ ticket">
      <label>
        Symbol
        <select value={symbol} onChange={({ target }) => onSymbol(target.value)}>
          {symbols.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </label>
      <label>
        Side
        <select value={side} onChange={({ target }) => setSide(SIDES.find(([value]) => value === target.value)?.[0] ?? "buy")}>
          {SIDES.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        Quantity
        <input
          inputMode="decimal"
          aria-keyshortcuts={SHORTCUTS.newRfq.aria}
          data-shortcut="newRfq"
          autoComplete="off"
          required
          pattern="\s*[0-9]+(\.[0-9]+)?\s*"
          title="a decimal, such as 1000000 or 2.5"
          value={quantity}
          onChange={({ target }) => setQuantity(target.value)}
        />
      </label>
      <label>
        Seconds
        <input type="number" min="1" step="1" required value={seconds} onChange={({ target }) => setSeconds(target.value)} />
      </label>
      <button type="submit" className={styles.primary} disabled={isBusy}>
        Request quotes
      </button>
    </form>
  );
}
