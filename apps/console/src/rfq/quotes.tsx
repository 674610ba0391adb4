/** The selected RFQ with its quotes, live. */
import { type ReactElement, useEffect, useState } from "react";
import type { RfqStreamingClient } from "@broadtape/client/rfq";
import { useConnection, useRfq } from "@broadtape/react";
import { CompositeLine } from "./composite-line.tsx";
import { CountdownRing } from "./countdown-ring.tsx";
import type { DealSide } from "./desk.ts";
import { digitsOf, grouped } from "./digits.ts";
import { outcomeOf } from "./outcome.ts";
import { QuoteLadder } from "./quote-ladder.tsx";
import { QuoteMoves } from "./quote-moves.ts";
import type { RfqStory } from "./rfq-stories.ts";
import { type Decimal, type Quote, isOver } from "./rfq-types.ts";
import { dealPriceOf, dealSideOf } from "./side.ts";
import styles from "./quotes.module.css";

interface Properties {
  readonly client: RfqStreamingClient;
  readonly rfqId: string;
  readonly story: RfqStory;
  /** At which it was filled. */
  readonly price: Decimal | undefined;
  /** Which side of a two-way RFQ is dealt. */
  readonly chosenSide: DealSide;
  readonly onAccept: (quoteId: string) => void;
}

export function Quotes({ client, rfqId, story, price, chosenSide, onAccept }: Properties): ReactElement {
  const { state } = useRfq(client, rfqId);
  const moves = useMoves(client, rfqId);
  const connection = useConnection();
  if (state === undefined) return <p className={styles.empty}>Loading the RFQ…</p>;
  const { rfq, quotes, composite } = state;
  const isLive = connection.state === "live";
  const isOpen = !isOver(rfq.status);
  const side = dealSideOf(rfq.side, chosenSide);
  // A price that may be old is not dealt on.
  const canAccept = (quote: Quote) => isOpen && isLive && quote.status === "valid" && dealPriceOf(quote, side) !== undefined;
  return (
    <div data-rfq={rfqId} data-status={rfq.status} data-stale={isOpen && !isLive} className={styles.followed}>
      <div className={styles.top}>
        <CountdownRing
          status={rfq.status}
          timeRemaining={rfq.timeRemaining}
          spanSeconds={story.spanSeconds}
          outcome={outcomeOf(rfq.status, story, price)}
        />
        <p className={styles.what}>
          <b>{rfq.symbol}</b> {rfq.side} <span data-field="quantity">{grouped(digitsOf(rfq.quantity))}</span>
          <span className={styles.rfqStatus} data-field="rfq-status">
            {rfq.status}
          </span>
        </p>
        <CompositeLine composite={composite} />
      </div>
      <QuoteLadder quotes={quotes} moves={moves} isOpen={isOpen} canAccept={canAccept} onAccept={onAccept} />
    </div>
  );
}

/** Follows the RFQ for its moves; the repaint comes with its state. */
function useMoves(client: RfqStreamingClient, rfqId: string): QuoteMoves {
  const [moves] = useState(() => new QuoteMoves());
  useEffect(() => {
    const following = client.tape.follow<string>(`rfq:${rfqId}`, moves.handlers);
    return () => following.unfollow();
  }, [client, rfqId, moves]);
  return moves;
}
