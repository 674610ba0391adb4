/** The selected RFQ's quotes: the ladder and the countdown. */
import { type ReactElement, useEffect } from "react";
import { useDesk } from "../desk/desk-context.ts";
import { Panel } from "../dock/panel.tsx";
import { Quotes } from "./quotes.tsx";
import { useRfqDesk } from "./rfq-desk.ts";
import styles from "./rfq.module.css";

export function QuotesPanel(): ReactElement {
  const { rfqs: client, stories, freshness, watchQuotes } = useDesk();
  const { selected, isAwaited, chosenSide, accept } = useRfqDesk();
  const selectedId = selected?.id;
  useEffect(() => (selectedId === undefined ? undefined : watchQuotes(selectedId)), [watchQuotes, selectedId]);
  return (
    <Panel name="Quotes" freshness={freshness.quotes} isFixed>
      {selected === undefined ? (
        <p className={styles.none}>{isAwaited ? "Waiting for the RFQ…" : "Request quotes, and they appear here."}</p>
      ) : (
        <Quotes
          key={selected.id}
          client={client}
          rfqId={selected.id}
          story={stories.of(selected.id)}
          price={selected.price}
          chosenSide={chosenSide}
          onAccept={accept}
        />
      )}
    </Panel>
  );
}
