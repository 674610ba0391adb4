/** What can be done with the selected RFQ as a whole. */
import type { ReactElement } from "react";
import type { RfqStreamingClient } from "@broadtape/client/rfq";
import { useConnection, useRfq } from "@broadtape/react";
import { SHORTCUTS } from "../desk/shortcuts.ts";
import type { DealSide } from "./desk.ts";
import { isOver } from "./rfq-types.ts";
import { dealPriceOf, dealSideOf } from "./side.ts";
import styles from "./rfq.module.css";

interface Actions {
  readonly chosenSide: DealSide;
  readonly onSide: (side: DealSide) => void;
  readonly isBusy: boolean;
  readonly onAcceptBest: () => void;
  readonly onCancel: () => void;
}

interface Properties extends Actions {
  readonly client: RfqStreamingClient;
  readonly rfqId: string;
}

export function RfqActions({ client, rfqId, ...actions }: Properties): ReactElement {
  const { state, status } = useRfq(client, rfqId);
  const { state: connection } = useConnection();
  const isOpen = status !== undefined && !isOver(status);
  const side = state === undefined ? "buy" : dealSideOf(state.rfq.side, actions.chosenSide);
  const hasQuote = state?.quotes.some((quote) => quote.status === "valid" && dealPriceOf(quote, side) !== undefined) ?? false;
  const isTwoWay = isOpen && state?.rfq.side === "two-way";
  return <ActionBar {...actions} isTwoWay={isTwoWay} canAccept={isOpen && hasQuote && connection === "live"} canCancel={isOpen} />;
}

interface BarProperties extends Actions {
  readonly isTwoWay: boolean;
  readonly canAccept: boolean;
  readonly canCancel: boolean;
}

/** Always there, so that nothing moves when it can be used. */
export function ActionBar(properties: BarProperties): ReactElement {
  const { chosenSide, onSide, isBusy, onAcceptBest, onCancel, isTwoWay, canAccept, canCancel } = properties;
  return (
    <div className={styles.actions}>
      <button
        type="button"
        disabled={!canAccept || isBusy}
        onClick={onAcceptBest}
        aria-keyshortcuts={SHORTCUTS.acceptBest.aria}
        title={SHORTCUTS.acceptBest.keys}
        data-shortcut="acceptBest"
      >
        Accept best
      </button>
      <button
        type="button"
        disabled={!canCancel || isBusy}
        onClick={onCancel}
        aria-keyshortcuts={SHORTCUTS.cancelRfq.aria}
        title={SHORTCUTS.cancelRfq.keys}
        data-shortcut="cancelRfq"
      >
        Cancel RFQ
      </button>
      <fieldset className={styles.dealt} disabled={!isTwoWay} data-shown={isTwoWay}>
        <legend>Deal the two-way price as</legend>
        {(["buy", "sell"] as const).map((side) => (
          <label key={side}>
            <input type="radio" name="deal-side" checked={chosenSide === side} onChange={() => onSide(side)} />
            {side === "buy" ? "buy at ask" : "sell at bid"}
          </label>
        ))}
      </fieldset>
    </div>
  );
}
