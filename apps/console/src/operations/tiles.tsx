/** The nodes at a glance. */
import type { ReactElement } from "react";
import type { OperationsSummary } from "@broadtape/protocol/operations";
import { NONE, bytesText, countText, msText, rateText, shareText, spanText } from "./figures.ts";
import { type History, perSecond, sumOver } from "./history.ts";
import styles from "./operations.module.css";

interface Tile {
  readonly label: string;
  readonly value: string;
  readonly detail: string;
  /** Something that an operator looks after. */
  readonly isBad?: boolean;
}

const BUSY_LOOP = 0.9;
const LAGGING_EVENTS = 1000;

export function Tiles({
  summary,
  history,
  hasNodes,
}: {
  readonly summary: OperationsSummary | undefined;
  readonly history: History | undefined;
  readonly hasNodes: boolean;
}): ReactElement {
  return (
    <dl className={styles.tiles} aria-label="At a glance">
      {tilesOf(summary, history, hasNodes).map(({ label, value, detail, isBad }) => (
        <div key={label} data-tile={label} data-bad={isBad === true}>
          <dt>{label}</dt>
          <dd>
            <b>{value}</b>
            <span>{detail}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function tilesOf(summary: OperationsSummary | undefined, history: History | undefined, hasNodes: boolean): readonly Tile[] {
  const newest = history?.samples.at(-1);
  const rate = (count: (sample: NonNullable<typeof newest>) => number) =>
    newest === undefined ? NONE : rateText(perSecond(count(newest), newest));
  const hour = (count: (sample: NonNullable<typeof newest>) => number) => (history === undefined ? 0 : sumOver(history, count));
  const { connections, log, process, node, nodes = [], topics } = summary ?? {};
  const refused = hour((each) => each.refused);
  const dropped = hour((each) => each.dropped);
  return [
    nodes.length > 1 ? nodesTile(nodes) : nodeTile(node),
    { label: "Published", value: rate((each) => each.published), detail: "events/s" },
    { label: "Delivered", value: rate((each) => each.delivered), detail: "messages/s" },
    latencyTile(newest, hasNodes),
    {
      label: "Connections",
      value: countText(connections?.all),
      detail: `${countText(connections?.users)} ${connections?.users === 1 ? "user" : "users"}`,
    },
    { label: "Topics", value: countText(topics?.all), detail: "followed" },
    {
      label: "Waiting",
      value: bytesText(connections?.queuedBytes),
      detail: `${countText(connections?.paused)} paused`,
      isBad: (connections?.paused ?? 0) > 0,
    },
    {
      label: "Log lag",
      value: countText(log?.lagEvents),
      detail: `head ${countText(log?.headOffset)}`,
      isBad: (log?.lagEvents ?? 0) > LAGGING_EVENTS,
    },
    { label: "Refused", value: countText(refused), detail: "in the hour", isBad: refused > 0 },
    { label: "Dropped", value: countText(dropped), detail: "in the hour", isBad: dropped > 0 },
    { label: "Event loop", value: shareText(process?.eventLoop), detail: "busy", isBad: (process?.eventLoop ?? 0) > BUSY_LOOP },
    { label: "Memory", value: bytesText(process?.rssBytes), detail: `heap ${bytesText(process?.heapUsedBytes)}` },
  ];
}

/** Of several nodes: most of what clients of one see was published to another. */
function latencyTile(newest: History["samples"][number] | undefined, hasNodes: boolean): Tile {
  const { p50Ms, p99Ms } = (hasNodes ? newest?.stored : newest) ?? {};
  return { label: hasNodes ? "Stored to write" : "Publish to write", value: msText(p50Ms), detail: `p99 ${msText(p99Ms)}` };
}

function nodeTile(node: OperationsSummary["node"] | undefined): Tile {
  return {
    label: "Node",
    value: node === undefined ? NONE : node.isReady ? "ready" : "not ready",
    detail: `up ${spanText(node?.uptimeMs)}`,
    isBad: node?.isReady === false,
  };
}

/** Those that are gone are not counted: whether they should be there is for whoever took them away to say. */
function nodesTile(nodes: OperationsSummary["nodes"]): Tile {
  const running = nodes.filter(({ status }) => status !== "gone");
  const ready = running.filter(({ status }) => status === "ready");
  const gone = nodes.length - running.length;
  return {
    label: "Nodes",
    value: `${ready.length} of ${running.length}`,
    detail: gone === 0 ? "ready" : `ready, ${gone} gone`,
    isBad: ready.length < running.length || gone > 0,
  };
}
