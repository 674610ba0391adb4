/** The desk: opens its connections, shows prices, RFQs and the wallet. */
import { type ReactElement, useEffect, useMemo, useState } from "react";
import { Broadtape, MarketDataClient } from "@broadtape/client";
import { RFQ_FOLDS, RfqStreamingClient } from "@broadtape/client/rfq";
import { BroadtapeProvider } from "@broadtape/react";
import styles from "../app.module.css";
import { ConnectionBadge } from "../connection-badge.tsx";
import { PriceGrid } from "../price-grid.tsx";
import { PriceTrails } from "../price-trails.ts";
import { withToken } from "../rfq/bearer.ts";
import { Desk } from "../rfq/desk.ts";
import { RfqPanel } from "../rfq/rfq-panel.tsx";
import { RfqStories } from "../rfq/rfq-stories.ts";
import { PageHeader } from "../shell/page-header.tsx";
import type { Account } from "../sign-in.ts";
import { symbolsOf } from "../symbols.ts";
import workerUrl from "../tape-worker.ts?sharedworker&url";
import { UpdateRate } from "../update-rate.tsx";
import { Alerts } from "../wallet/alerts.tsx";
import { type MoneyFeeds, openMoneyFeeds } from "../wallet/money-feeds.ts";
import { WALLET_FOLDS } from "../wallet/standing.ts";
import { WalletPanel } from "../wallet/wallet-panel.tsx";

const SYMBOLS = symbolsOf(location.search);

interface Feed {
  readonly tape: Broadtape;
  readonly client: MarketDataClient;
  readonly trails: PriceTrails;
  readonly rfqs: RfqStreamingClient;
  readonly stories: RfqStories;
  readonly money: MoneyFeeds;
}

export function DeskPage({ account }: { readonly account: Account }): ReactElement {
  const [feed, setFeed] = useState<Feed>();
  useEffect(() => {
    const tape = new Broadtape({ token: account.token, shared: true, workerUrl, folds: { ...RFQ_FOLDS, ...WALLET_FOLDS } });
    const client = new MarketDataClient({ tape });
    const trails = new PriceTrails();
    void client.subscribe(SYMBOLS, trails.take);
    const rfqs = new RfqStreamingClient({ tape });
    const stories = new RfqStories(rfqs);
    // Where it is refused, the page shows no RFQs.
    void rfqs.subscribeToTrader().catch(() => undefined);
    const money = openMoneyFeeds(account.token);
    setFeed({ tape, client, trails, rfqs, stories, money });
    return () => {
      money.close();
      rfqs.disconnect();
      client.disconnect();
      tape.close();
    };
  }, [account]);
  const desk = useMemo(() => new Desk(withToken(account.token)), [account]);
  if (feed === undefined) return <p className={styles.notice}>Connecting…</p>;
  return (
    <BroadtapeProvider tape={feed.tape}>
      <PageHeader part="desk" account={account}>
        <ConnectionBadge />
        <UpdateRate trails={feed.trails} />
      </PageHeader>
      <Alerts feeds={feed.money} />
      <main className={styles.main}>
        <PriceGrid client={feed.client} symbols={SYMBOLS} trails={feed.trails} />
        <p className={styles.note}>
          Recorded quotes of 8 May 2014 (ECB press conference), replayed as if now: EURUSD and NZDUSD from two venues at once, gold from a
          third feed.
        </p>
        <RfqPanel client={feed.rfqs} desk={desk} stories={feed.stories} symbols={SYMBOLS} />
        <WalletPanel feeds={feed.money} userId={account.userId} />
      </main>
    </BroadtapeProvider>
  );
}
