/** The page: signs in, opens its connections, shows prices, RFQs and the wallet. */
import { type ReactElement, useEffect, useMemo, useState } from "react";
import { Broadtape, MarketDataClient } from "@broadtape/client";
import { RFQ_FOLDS, RfqStreamingClient } from "@broadtape/client/rfq";
import { BroadtapeProvider } from "@broadtape/react";
import { ConnectionBadge } from "./connection-badge.tsx";
import styles from "./app.module.css";
import { PriceGrid } from "./price-grid.tsx";
import { PriceTrails } from "./price-trails.ts";
import { withToken } from "./rfq/bearer.ts";
import { Desk } from "./rfq/desk.ts";
import { RfqPanel } from "./rfq/rfq-panel.tsx";
import { RfqStories } from "./rfq/rfq-stories.ts";
import { type Account, signInAsDemoUser } from "./sign-in.ts";
import { symbolsOf } from "./symbols.ts";
import workerUrl from "./tape-worker.ts?sharedworker&url";
import { TokenForm } from "./token-form.tsx";
import { UpdateRate } from "./update-rate.tsx";
import { Alerts } from "./wallet/alerts.tsx";
import { type MoneyFeeds, openMoneyFeeds } from "./wallet/money-feeds.ts";
import { WALLET_FOLDS } from "./wallet/standing.ts";
import { WalletPanel } from "./wallet/wallet-panel.tsx";

const SYMBOLS = symbolsOf(location.search);

type SignIn = { readonly state: "pending" } | { readonly state: "needed" } | { readonly state: "done"; readonly account: Account };

export function App(): ReactElement {
  const [signIn, setSignIn] = useState<SignIn>({ state: "pending" });
  useEffect(() => {
    let isGone = false;
    void signInAsDemoUser().then((account) => {
      if (!isGone) setSignIn(account === undefined ? { state: "needed" } : { state: "done", account });
    });
    return () => {
      isGone = true;
    };
  }, []);
  if (signIn.state === "pending") return <p className={styles.notice}>Signing in…</p>;
  if (signIn.state === "needed") return <TokenForm onAccount={(account) => setSignIn({ state: "done", account })} />;
  return <Prices account={signIn.account} />;
}

interface Feed {
  readonly tape: Broadtape;
  readonly client: MarketDataClient;
  readonly trails: PriceTrails;
  readonly rfqs: RfqStreamingClient;
  readonly stories: RfqStories;
  readonly money: MoneyFeeds;
}

function Prices({ account }: { readonly account: Account }): ReactElement {
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
  const title = useMemo(() => (account.name === undefined ? account.userId : `${account.name} · ${account.tenantId}`), [account]);
  if (feed === undefined) return <p className={styles.notice}>Connecting…</p>;
  return (
    <BroadtapeProvider tape={feed.tape}>
      <header className={styles.header}>
        <h1 className={styles.title}>Broadtape</h1>
        <ConnectionBadge />
        <UpdateRate trails={feed.trails} />
        <span className={styles.user}>{title}</span>
      </header>
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
