/** Everything that the desk listens to, opened together and closed together. */
import { Broadtape, MarketDataClient, type Store } from "@broadtape/client";
import { RFQ_FOLDS, RfqStreamingClient } from "@broadtape/client/rfq";
import { TRADING_FOLDS } from "@broadtape/client/trading";
import { ALERT_FOLDS } from "../alerts/alert-fold.ts";
import { Acknowledged } from "../alerts/acknowledged.ts";
import type { Freshness } from "../freshness/freshness.ts";
import { FreshnessWatch, watchTopics } from "../freshness/freshness-watch.ts";
import { withToken } from "../rfq/bearer.ts";
import { Desk } from "../rfq/desk.ts";
import { RfqStories } from "../rfq/rfq-stories.ts";
import type { Account } from "../sign-in.ts";
import workerUrl from "../tape-worker.ts?sharedworker&url";
import { NewestEvents, watchNewest } from "../trading/newest-events.ts";
import { type MoneyFeeds, openMoneyFeeds } from "../wallet/money-feeds.ts";
import { WALLET_FOLDS } from "../wallet/standing.ts";
import { PriceTrails } from "../watchlist/price-trails.ts";
import { SymbolList } from "../watchlist/symbol-list.ts";
import { symbolsOf } from "../watchlist/symbols.ts";

export type PanelId = "watchlist" | "chart" | "rfq" | "quotes" | "orders" | "positions" | "trades" | "wallet" | "alerts";

/** Orders and trades whose newest event is remembered: more than are shown. */
const MAX_NEWEST = 1000;

export interface DeskFeeds {
  readonly account: Account;
  readonly tape: Broadtape;
  readonly prices: MarketDataClient;
  readonly trails: PriceTrails;
  readonly symbolList: SymbolList;
  readonly rfqs: RfqStreamingClient;
  readonly stories: RfqStories;
  readonly desk: Desk;
  readonly money: MoneyFeeds;
  /** What last told of each order and trade. */
  readonly newestEvents: NewestEvents;
  /** Which alerts this user has acknowledged here. */
  readonly acknowledged: Acknowledged;
  /** Each panel's, and that of the connection under them. */
  readonly freshness: Readonly<Record<PanelId | "connection", Store<Freshness>>>;
  /** Watches an RFQ's topic for the panel of its quotes; returns a function that ends it. */
  readonly watchQuotes: (rfqId: string) => () => void;
  close(): void;
}

export function openDeskFeeds(account: Account): DeskFeeds {
  const folds = { ...RFQ_FOLDS, ...WALLET_FOLDS, ...TRADING_FOLDS, ...ALERT_FOLDS };
  const tape = new Broadtape({ token: account.token, shared: true, workerUrl, folds });
  const prices = new MarketDataClient({ tape });
  const trails = new PriceTrails();
  const owner = `${account.tenantId}.${account.userId}`;
  const symbolList = new SymbolList(symbolsOf(location.search), localStorage, `broadtape.symbols.${owner}`);
  const rfqs = new RfqStreamingClient({ tape });
  const stories = new RfqStories(rfqs);
  // Where it is refused, the page shows no RFQs.
  void rfqs.subscribeToTrader().catch(() => undefined);
  const money = openMoneyFeeds(account.token);
  const acknowledged = new Acknowledged(localStorage, `broadtape.acknowledged.${owner}`);
  const newestEvents = new NewestEvents(MAX_NEWEST);

  const watch = () => new FreshnessWatch(tape.status);
  const freshness = {
    connection: watch(),
    watchlist: watch(),
    chart: watch(),
    rfq: watch(),
    quotes: watch(),
    orders: watch(),
    positions: watch(),
    trades: watch(),
    alerts: watch(),
    wallet: watchWallet(money),
  };
  const watched = (id: PanelId, topic: string) => watchTopics(tape, [topic], [freshness[id], freshness.connection]);
  const ends = [
    watched("rfq", "trader:me"),
    watched("orders", "orders:me"),
    watched("positions", "positions:me"),
    watched("trades", "trades:me"),
    watched("alerts", "alerts:me"),
    watchNewest(tape, newestEvents),
    followSymbols(symbolList, (symbol) => {
      void prices.subscribe([symbol], trails.take);
      const end = watched("watchlist", `symbol:${symbol}`);
      return () => {
        end();
        prices.removeCallback(symbol, trails.take);
        trails.forget(symbol);
      };
    }),
    followSelected(symbolList, (symbol) => watchTopics(tape, [`symbol:${symbol}`], [freshness.chart])),
  ];
  return {
    account,
    tape,
    prices,
    trails,
    symbolList,
    rfqs,
    stories,
    desk: new Desk(withToken(account.token)),
    money,
    newestEvents,
    acknowledged,
    freshness,
    watchQuotes: (rfqId) => watchTopics(tape, [`rfq:${rfqId}`], [freshness.quotes]),
    close() {
      for (const end of ends) end();
      for (const each of Object.values(freshness)) each.close();
      acknowledged.close();
      money.close();
      rfqs.disconnect();
      prices.disconnect();
      tape.close();
    },
  };
}

function watchWallet({ wallet }: MoneyFeeds): FreshnessWatch {
  const watch = new FreshnessWatch(wallet.status);
  for (const name of ["transaction", "balance", "wallet"] as const) wallet.on(name, () => watch.take({ type: "event" }));
  wallet.onResync(() => watch.take({ type: "resync" }));
  return watch;
}

/** Follows each symbol for as long as it is in the list. */
function followSymbols({ symbols }: SymbolList, follow: (symbol: string) => () => void): () => void {
  const ends = new Map<string, () => void>();
  const agree = (wanted: readonly string[]) => {
    for (const [symbol, end] of ends) {
      if (wanted.includes(symbol)) continue;
      end();
      ends.delete(symbol);
    }
    for (const symbol of wanted) if (!ends.has(symbol)) ends.set(symbol, follow(symbol));
  };
  agree(symbols.get());
  const off = symbols.subscribe(() => agree(symbols.get()));
  return () => {
    off();
    agree([]);
  };
}

function followSelected({ selected }: SymbolList, follow: (symbol: string) => () => void): () => void {
  let end = follow(selected.get());
  const off = selected.subscribe(() => {
    end();
    end = follow(selected.get());
  });
  return () => {
    off();
    end();
  };
}
