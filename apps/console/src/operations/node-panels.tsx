/** The log and the node itself. */
import type { ReactElement } from "react";
import type { OperationsSummary } from "@broadtape/protocol/operations";
import { clockTime } from "../wallet/clock-time.ts";
import { bytesText, countText, shareText, spanText } from "./figures.ts";
import styles from "./operations.module.css";
import { Panel } from "./panel.tsx";
import type { Polled } from "./poll.ts";

type Fact = readonly [name: string, text: string];

export function LogPanel({ summary }: { readonly summary: Polled<OperationsSummary> }): ReactElement {
  const log = summary.value?.log;
  const facts: readonly Fact[] =
    log === undefined
      ? []
      : [
          ["Head offset", countText(log.headOffset)],
          ["Newest event", log.headAt === null ? "none" : clockTime(log.headAt)],
          ["Routed to", countText(log.routedTo)],
          ["Lag", `${countText(log.lagEvents)} events`],
          ["Oldest kept", countText(log.oldestOffset)],
          ["Checkpoint", countText(log.checkpointOffset)],
          ["Retention", retentionText(log.retention)],
          ["Epoch", String(log.epoch)],
        ];
  return <FactsPanel title="Log" area="log" of={summary} facts={facts} />;
}

/** Of the node that is shown, or of what all come to. */
export function NodePanel({ summary, isOfAll }: { readonly summary: Polled<OperationsSummary>; readonly isOfAll: boolean }): ReactElement {
  const { node, process, ringBytes, connections, counters, droppedByCode } = summary.value ?? {};
  const facts: readonly Fact[] =
    node === undefined || process === undefined
      ? []
      : [
          ...(isOfAll ? [["Asked", node.name] as const] : factsOf(node)),
          [isOfAll ? "Busiest event loop" : "Event loop", shareText(process.eventLoop)],
          ["Heap", `${bytesText(process.heapUsedBytes)} of ${bytesText(process.heapLimitBytes)}`],
          ["Ring", bytesText(ringBytes)],
          ["Surfaces", (connections?.bySurface ?? []).map(({ surface, all }) => `${surface} ${countText(all)}`).join(" · ") || "none"],
          ["Resynced, redelivered", `${countText(counters?.resynced)}, ${countText(counters?.redelivered)}`],
          [
            "Dropped",
            Object.entries(droppedByCode ?? {})
              .map(([code, count]) => `${code} ${countText(count)}`)
              .join(" · ") || "none",
          ],
        ];
  return <FactsPanel title={isOfAll ? "All nodes" : "Node"} area="node" of={summary} facts={facts} />;
}

function factsOf({ name, id, version, startedAt, uptimeMs }: OperationsSummary["node"]): readonly Fact[] {
  return [
    ["Node", `${name}, ${id}`],
    ["Version", version],
    ["Started", `${clockTime(startedAt)}, ${spanText(uptimeMs)} ago`],
  ];
}

interface FactsProperties {
  readonly title: string;
  readonly area: string;
  readonly of: Polled<OperationsSummary>;
  readonly facts: readonly Fact[];
}

function FactsPanel({ title, area, of, facts }: FactsProperties): ReactElement {
  return (
    <Panel title={title} area={area} of={of}>
      <dl className={styles.list}>
        {facts.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd data-fact={name}>{text}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

function retentionText({ maxAgeMs, maxBytes }: OperationsSummary["log"]["retention"]): string {
  return `${spanText(maxAgeMs)}, ${maxBytes === null ? "any size" : bytesText(maxBytes)}`;
}
