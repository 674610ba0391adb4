/** RFQs: the ticket, the trader's list, the selected one's quotes. Asked by HTTP, told over the tape. */
import { type ReactElement, useState } from "react";
import type { RfqStreamingClient } from "@broadtape/client/rfq";
import { useTraderRfqs } from "@broadtape/react";
import type { DealSide, Desk, Ticket } from "./desk.ts";
import { Quotes } from "./quotes.tsx";
import { ActionBar, RfqActions } from "./rfq-actions.tsx";
import { RfqList } from "./rfq-list.tsx";
import type { RfqStories } from "./rfq-stories.ts";
import { TicketForm } from "./ticket.tsx";
import { useDeskCall } from "./use-desk-call.ts";
import styles from "./rfq.module.css";

interface Properties {
  readonly client: RfqStreamingClient;
  readonly desk: Desk;
  readonly stories: RfqStories;
  readonly symbols: readonly string[];
}

export function RfqPanel({ client, desk, stories, symbols }: Properties): ReactElement {
  const rfqs = useTraderRfqs(client);
  const [chosenId, setChosenId] = useState<string>();
  const [chosenSide, setChosenSide] = useState<DealSide>("buy");
  const { isBusy, refusal, run } = useDeskCall();
  // Until one is chosen, the newest.
  const selected = chosenId === undefined ? rfqs.at(-1) : rfqs.find(({ id }) => id === chosenId);

  const request = (ticket: Ticket) => run(async () => setChosenId(await desk.request(ticket)));
  const accept = (quoteId?: string) =>
    run(async () => {
      if (selected === undefined) return;
      const side = selected.side === "two-way" ? chosenSide : undefined;
      await desk.accept(selected.id, { quoteId, side });
    });
  const cancel = () => run(async () => (selected === undefined ? undefined : desk.cancel(selected.id)));
  const actions = { chosenSide, onSide: setChosenSide, isBusy, onAcceptBest: () => accept(), onCancel: cancel };

  return (
    <div className={styles.desk}>
      <section aria-labelledby="rfq" className={styles.panel}>
        <h2 id="rfq">RFQ</h2>
        <TicketForm symbols={symbols} isBusy={isBusy} onRequest={request} />
        {selected === undefined ? (
          <ActionBar {...actions} isTwoWay={false} canAccept={false} canCancel={false} />
        ) : (
          <RfqActions {...actions} client={client} rfqId={selected.id} />
        )}
        <div className={styles.refusal}>{refusal !== undefined && <p role="alert">{refusal}</p>}</div>
        <RfqList rfqs={rfqs} selectedId={selected?.id} onSelect={setChosenId} />
      </section>
      <section aria-labelledby="quotes" className={styles.panel}>
        <h2 id="quotes">Quotes</h2>
        {selected === undefined ? (
          <p className={styles.none}>{chosenId === undefined ? "Request quotes, and they appear here." : "Waiting for the RFQ…"}</p>
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
      </section>
    </div>
  );
}
