/** The desk, at `/`: opens its connections and shows its panels; another user's desk beside it where that is asked for. */
import { type ReactElement, useCallback, useEffect, useState } from "react";
import { BroadtapeProvider } from "@broadtape/react";
import styles from "../app.module.css";
import { DeskWorkspace, type Workspace } from "../dock/workspace.tsx";
import { ConnectionBadge } from "../freshness/connection-badge.tsx";
import { RfqDeskContext, useNewRfqDesk } from "../rfq/rfq-desk.ts";
import { PageHeader } from "../shell/page-header.tsx";
import type { Account } from "../sign-in.ts";
import { SymbolSearch } from "../watchlist/symbol-search.tsx";
import { UpdateRate } from "../watchlist/update-rate.tsx";
import { AlertBell } from "../alerts/alert-bell.tsx";
import { BesideFrame, BesideSwitch, useBeside } from "./beside.tsx";
import { CutButton } from "./cut-button.tsx";
import { DeskContext } from "./desk-context.ts";
import { type DeskFeeds, openDeskFeeds } from "./desk-feeds.ts";
import { KeysHelp } from "./keys-help.tsx";
import { type PanelId } from "./desk-feeds.ts";
import { useShortcuts } from "./use-shortcuts.ts";

export function DeskPage({ account }: { readonly account: Account }): ReactElement {
  const [feeds, setFeeds] = useState<DeskFeeds>();
  useEffect(() => {
    const opened = openDeskFeeds(account);
    setFeeds(opened);
    return () => opened.close();
  }, [account]);
  if (feeds === undefined) return <p className={styles.notice}>Connecting…</p>;
  return (
    <BroadtapeProvider tape={feeds.tape}>
      <DeskContext.Provider value={feeds}>
        <OpenDesk account={account} feeds={feeds} />
      </DeskContext.Provider>
    </BroadtapeProvider>
  );
}

function OpenDesk({ account, feeds }: { readonly account: Account; readonly feeds: DeskFeeds }): ReactElement {
  const rfqDesk = useNewRfqDesk(feeds);
  const [workspace, setWorkspace] = useState<Workspace>();
  const [beside, setBeside] = useBeside(account);
  const show = useCallback((panel: PanelId) => workspace?.show(panel), [workspace]);
  useShortcuts(show);
  return (
    <RfqDeskContext.Provider value={rfqDesk}>
      <div className={styles.beside}>
        <div className={styles.desk}>
          <PageHeader part="desk" account={account}>
            <ConnectionBadge freshness={feeds.freshness.connection} />
            <CutButton account={account} />
            <UpdateRate trails={feeds.trails} />
            <SymbolSearch list={feeds.symbolList} />
            <AlertBell onShow={() => show("alerts")} />
            <button type="button" className={styles.tool} onClick={() => workspace?.reset()}>
              Reset layout
            </button>
            <KeysHelp />
            <BesideSwitch account={account} beside={beside} onChange={setBeside} />
          </PageHeader>
          <main className={styles.main} aria-label="Desk">
            <DeskWorkspace onReady={setWorkspace} />
          </main>
        </div>
        {beside !== undefined && <BesideFrame user={beside} />}
      </div>
    </RfqDeskContext.Provider>
  );
}
