/** The operator's console: how the nodes are, and how they were in the last hour. */
import { type ReactElement, useMemo, useState } from "react";
import type { OperationsSummary } from "@broadtape/protocol/operations";
import { PageHeader } from "../shell/page-header.tsx";
import type { Account } from "../sign-in.ts";
import { clockTime } from "../wallet/clock-time.ts";
import { Charts } from "./charts.tsx";
import { ConnectionsPanel } from "./connections-panel.tsx";
import { historyReader } from "./history.ts";
import { LatencyPanel } from "./latency-panel.tsx";
import { LogPanel, NodePanel } from "./node-panels.tsx";
import { AskedNodesPanel, NodesPanel } from "./nodes-panel.tsx";
import { ofNode } from "./nodes.ts";
import styles from "./operations.module.css";
import { Poll, type Polled, pageHost } from "./poll.ts";
import { OutboxPanel } from "./outbox-panel.tsx";
import { type SignedIn, useSignedIn } from "./rights.ts";
import { TailPanel } from "./tail-panel.tsx";
import { Tiles } from "./tiles.tsx";
import { TopicsPanel } from "./topics-panel.tsx";
import { TroublePanels } from "./trouble-panels.tsx";
import { usePoll, usePolled } from "./use-poll.ts";
import { WayPanel } from "./way-panel.tsx";

const SUMMARY_MS = 2000;
const HISTORY_MS = 5000;

export function OperationsPage({ account }: { readonly account: Account }): ReactElement {
  const signedIn = useSignedIn(account);
  if (signedIn.permissions?.has("stream:admin") === false) return <NotForYou account={account} signedIn={signedIn} />;
  return <Console account={account} signedIn={signedIn} />;
}

interface Properties {
  readonly account: Account;
  readonly signedIn: SignedIn;
}

function Console({ account, signedIn }: Properties): ReactElement {
  const { fetch: authorized } = signedIn;
  const [node, chooseNode] = useInAddress("node");
  const summary = usePoll<OperationsSummary>(authorized, ofNode("api/v1/operations", node), SUMMARY_MS);
  const reader = useMemo(() => new Poll(pageHost, historyReader(authorized, node), HISTORY_MS), [authorized, node]);
  const history = usePolled(reader);
  const [followed, follow] = useInAddress("event");
  const hasNodes = node !== "" || (summary.value?.nodes.length ?? 0) > 1;
  if (summary.refusal?.statusCode === 403) return <NotForYou account={account} signedIn={signedIn} />;
  return (
    <div className={styles.page}>
      <PageHeader part="operations" account={account}>
        <ServerStatus summary={summary} />
        <span className={styles.push} />
      </PageHeader>
      <main className={styles.main}>
        <section className={styles.grid} aria-label="Operations">
          <Tiles summary={summary.value} history={history.value} hasNodes={hasNodes} />
          {node !== "" && <AskedNodesPanel authorized={authorized} node={node} onNode={chooseNode} />}
          {node === "" && hasNodes && <NodesPanel authorized={authorized} node="" onNode={chooseNode} all={summary} />}
          <Charts history={history} hasNodes={hasNodes} />
          <ConnectionsPanel authorized={authorized} node={node} hasNodes={hasNodes} />
          <TopicsPanel authorized={authorized} node={node} />
          <TailPanel authorized={authorized} onFollow={follow} />
          <WayPanel authorized={authorized} id={followed} hasNodes={hasNodes} onFollow={follow} />
          <LatencyPanel authorized={authorized} node={node} hasNodes={hasNodes} />
          <LogPanel summary={summary} />
          <NodePanel summary={summary} isOfAll={hasNodes && node === ""} />
          <OutboxPanel authorized={authorized} />
          <TroublePanels authorized={authorized} node={node} onFollow={follow} />
        </section>
      </main>
    </div>
  );
}

function ServerStatus({ summary: { asOf, staleSince, refusal } }: { readonly summary: Polled<unknown> }): ReactElement {
  const state =
    staleSince !== undefined || (refusal !== undefined && asOf === undefined) ? "stale" : asOf === undefined ? "connecting" : "live";
  return (
    <span className={styles.badge} role="status" aria-label="Connection" data-state={state} title={refusal?.message}>
      {staleSince === undefined ? state : `stale since ${clockTime(staleSince)}`}
    </span>
  );
}

function NotForYou({ account, signedIn: { userId, tenantId, name } }: Properties): ReactElement {
  return (
    <div className={styles.page}>
      <PageHeader part="operations" account={account}>
        <span className={styles.badge} role="status" aria-label="Connection" data-state="refused">
          not permitted
        </span>
        <span className={styles.push} />
      </PageHeader>
      <main className={styles.main}>
        <section aria-label="Operations" className={styles.refused}>
          <h2>Not for this account</h2>
          <p role="alert">
            The operator’s console needs the permission <code>stream:admin</code>, which {name} does not have.
          </p>
          <p>
            Sign in as an operator, or with a token made with{" "}
            <code>
              npx broadtape token --sub {userId} --tenant {tenantId} --permissions stream:admin
            </code>
            .
          </p>
        </section>
      </main>
    </div>
  );
}

/** What is looked at stands in the address too: it can be sent to somebody, and survives a reload. */
function useInAddress(name: "event" | "node"): readonly [id: string, look: (id: string) => void] {
  const [id, setId] = useState(() => new URLSearchParams(location.search).get(name) ?? "");
  const look = (next: string) => {
    const address = new URL(location.href);
    if (next === "") address.searchParams.delete(name);
    else address.searchParams.set(name, next);
    history.replaceState(null, "", address);
    setId(next);
  };
  return [id, look];
}
