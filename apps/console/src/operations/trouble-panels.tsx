/** What went wrong: slow consumers, limits, refused publishes, and what notifiers made of alerts. */
import type { ReactElement } from "react";
import type { LimitHits, PublishRefusals } from "@broadtape/protocol/operations";
import type { NoticeState } from "@broadtape/protocol/rest";
import { clockTime } from "../wallet/clock-time.ts";
import { bytesText, countText, spanText } from "./figures.ts";
import { FollowButton } from "./follow-button.tsx";
import { ofNode } from "./nodes.ts";
import styles from "./operations.module.css";
import { ListRows, Panel } from "./panel.tsx";
import type { Polled } from "./poll.ts";
import { usePoll } from "./use-poll.ts";

interface Properties {
  readonly authorized: typeof fetch;
  /** Id of the one node that is asked; empty for all. */
  readonly node: string;
  readonly onFollow: (id: string) => void;
}

const EVERY_MS = 5000;

export function TroublePanels({ authorized, node, onFollow }: Properties): ReactElement {
  const limits = usePoll<LimitHits>(authorized, ofNode("api/v1/operations/limits?limit=100", node), EVERY_MS);
  const refusals = usePoll<PublishRefusals>(authorized, ofNode("api/v1/operations/refusals?limit=100", node), EVERY_MS);
  const notices = usePoll<{ readonly notices: readonly NoticeState[] }>(authorized, "api/v1/notices?limit=100", EVERY_MS);
  return (
    <>
      <SlowPanel polled={limits} />
      <LimitsPanel polled={limits} />
      <RefusalsPanel polled={refusals} onFollow={onFollow} />
      <NoticesPanel polled={notices} onFollow={onFollow} />
    </>
  );
}

interface ListProperties {
  readonly title: string;
  readonly area: string;
  readonly polled: Polled<unknown>;
  readonly none: string;
  readonly heads: readonly string[];
  readonly rows: readonly ReactElement[];
}

function ListPanel({ title, area, polled, none, heads, rows }: ListProperties): ReactElement {
  return (
    <Panel title={title} area={area} of={polled} aside={<span className={styles.count}>{rows.length > 0 && countText(rows.length)}</span>}>
      <ListRows label={title} heads={heads} none={polled.value !== undefined && rows.length === 0 ? none : undefined}>
        {rows}
      </ListRows>
    </Panel>
  );
}

function SlowPanel({ polled }: { readonly polled: Polled<LimitHits> }): ReactElement {
  const rows = (polled.value?.slow ?? []).map(({ connectionId, userId, surface, queuedBytes, paused, stuckMs, awaitsAcksMs }) => (
    <tr key={connectionId} title={connectionId} data-slow={connectionId}>
      <td>{userId}</td>
      <td>{surface}</td>
      <td>{bytesText(queuedBytes)}</td>
      <td className={paused ? styles.bad : undefined}>{paused ? "paused" : "behind"}</td>
      <td>{spanText(stuckMs)}</td>
      <td>{spanText(awaitsAcksMs)}</td>
    </tr>
  ));
  const heads = ["User", "Surface", "Queue", "State", "Took nothing for", "Awaits acks for"];
  return <ListPanel title="Slow consumers" area="slow" polled={polled} none="Everybody keeps up." heads={heads} rows={rows} />;
}

function LimitsPanel({ polled }: { readonly polled: Polled<LimitHits> }): ReactElement {
  const rows = (polled.value?.limits ?? []).map(({ code, message, lastAt, count, userId, connectionId, surface }, index) => (
    <tr key={`${connectionId ?? index} ${code} ${message}`} title={connectionId ?? undefined} data-limit={code}>
      <td>{clockTime(lastAt)}</td>
      <td className={styles.bad}>{code}</td>
      <td>{userId}</td>
      <td>{surface ?? ""}</td>
      <td>{countText(count)}×</td>
      <td title={message}>{message}</td>
    </tr>
  ));
  const heads = ["Last", "Limit", "User", "Surface", "Times", "What"];
  return <ListPanel title="Limits hit" area="limits" polled={polled} none="No limit was hit." heads={heads} rows={rows} />;
}

function RefusalsPanel({
  polled,
  onFollow,
}: {
  readonly polled: Polled<PublishRefusals>;
  readonly onFollow: Properties["onFollow"];
}): ReactElement {
  const rows = (polled.value?.refusals ?? []).map(({ at, userId, correlationId, statusCode, reason, type, events }, index) => (
    <tr key={`${at} ${correlationId} ${index}`} data-refusal={correlationId}>
      <td>{clockTime(at)}</td>
      <td>{userId}</td>
      <td className={styles.bad}>{statusCode}</td>
      <td>{type ?? ""}</td>
      <td>{countText(events)}</td>
      <td title={reason}>{reason}</td>
      <td>
        <FollowButton id={correlationId} onFollow={onFollow}>
          {correlationId.slice(0, 8)}
        </FollowButton>
      </td>
    </tr>
  ));
  const heads = ["At", "Publisher", "Status", "Type", "Events", "Reason", "Correlation"];
  return <ListPanel title="Refused publishes" area="refusals" polled={polled} none="Nothing was refused." heads={heads} rows={rows} />;
}

interface NoticesProperties {
  readonly polled: Polled<{ readonly notices: readonly NoticeState[] }>;
  readonly onFollow: Properties["onFollow"];
}

function NoticesPanel({ polled, onFollow }: NoticesProperties): ReactElement {
  const rows = (polled.value?.notices ?? []).map(({ eventId, userId, kind, status, attempts, lastError, claimedAt }) => (
    <tr key={eventId} data-notice={eventId}>
      <td>{clockTime(claimedAt)}</td>
      <td>{userId}</td>
      <td>{kind}</td>
      <td className={status === "failed" || status === "unknown" ? styles.bad : undefined}>{status}</td>
      <td>{countText(attempts)}</td>
      <td title={lastError ?? undefined}>{lastError ?? ""}</td>
      <td>
        <FollowButton id={eventId} onFollow={onFollow}>
          {eventId.slice(-8)}
        </FollowButton>
      </td>
    </tr>
  ));
  const heads = ["At", "User", "By", "Outcome", "Attempts", "Error", "Event"];
  return (
    <ListPanel
      title="Notifier outcomes"
      area="notices"
      polled={polled}
      none="No alert had to be told elsewhere."
      heads={heads}
      rows={rows}
    />
  );
}
