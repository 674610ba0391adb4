/** The RFQ ticket, what can be done with the selected RFQ, and the trader's RFQs. */
import { type ReactElement, useState, useSyncExternalStore } from "react";
import { useDesk } from "../desk/desk-context.ts";
import { Panel } from "../dock/panel.tsx";
import { ActionBar, RfqActions } from "./rfq-actions.tsx";
import { useRfqDesk } from "./rfq-desk.ts";
import { RfqList } from "./rfq-list.tsx";
import { TicketForm } from "./ticket.tsx";
import styles from "./rfq.module.css";

export function RfqPanel(): ReactElement {
  const { rfqs: client, symbolList, freshness } = useDesk();
  const { rfqs, selected, isBusy, refusal, chosenSide, chooseSide, request, accept, cancel, select } = useRfqDesk();
  const symbols = useSyncExternalStore(symbolList.symbols.subscribe, symbolList.symbols.get);
  const looked = useSyncExternalStore(symbolList.selected.subscribe, symbolList.selected.get);
  const [symbol, setSymbol] = useSymbol(looked, symbols);
  const actions = { chosenSide, onSide: chooseSide, isBusy, onAcceptBest: () => accept(), onCancel: cancel };
  return (
    <Panel name="RFQ" freshness={freshness.rfq} isFixed footer={<span data-field="count">{rfqs.length} RFQs</span>}>
      <TicketForm symbols={symbols} symbol={symbol} onSymbol={setSymbol} isBusy={isBusy} onRequest={request} />
      {selected === undefined ? (
        <ActionBar {...actions} isTwoWay={false} canAccept={false} canCancel={false} />
      ) : (
        <RfqActions {...actions} client={client} rfqId={selected.id} />
      )}
      <div className={styles.refusal}>{refusal !== undefined && <p role="alert">{refusal}</p>}</div>
      <RfqList rfqs={rfqs} selectedId={selected?.id} onSelect={select} />
    </Panel>
  );
}

/** The symbol that is looked at, until another one is chosen here. */
function useSymbol(looked: string, symbols: readonly string[]): readonly [string, (symbol: string) => void] {
  const [chosen, setChosen] = useState({ looked, symbol: looked });
  const symbol = chosen.looked === looked && symbols.includes(chosen.symbol) ? chosen.symbol : looked;
  return [symbol, (next) => setChosen({ looked, symbol: next })];
}
