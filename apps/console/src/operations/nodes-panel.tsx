/** All nodes at a glance; one of them can be chosen, so that the page shows that one alone. */
import type { ReactElement } from "react";
import type { NodeState, OperationsSummary, ViewsComparison } from "@broadtape/protocol/operations";
import { clockTime } from "../wallet/clock-time.ts";
import { NONE, bytesText, countText, shareText, spanText } from "./figures.ts";
import styles from "./operations.module.css";
import { Panel, Rows } from "./panel.tsx";
import type { Polled } from "./poll.ts";
import { usePoll } from "./use-poll.ts";

interface Properties {
  readonly authorized: typeof fetch;
  /** Id of the one that is shown; empty for all. */
  readonly node: string;
  readonly onNode: (id: string) => void;
}

const SUMMARY_MS = 2000;
/** Nodes remember for longer what changed since they were asked, and sum that alone. */
const VIEWS_MS = 300_000;
const BUSY_LOOP = 0.9;
const LAGGING_EVENTS = 1000;
const OFF_MS = 1000;

/** While the page shows one node, the others are asked for here. */
export function AskedNodesPanel(properties: Properties): ReactElement {
  const all = usePoll<OperationsSummary>(properties.authorized, "api/v1/operations", SUMMARY_MS);
  return <NodesPanel {...properties} all={all} />;
}

export function NodesPanel({ authorized, node, onNode, all }: Properties & { readonly all: Polled<OperationsSummary> }): ReactElement {
  const views = usePoll<ViewsComparison>(authorized, "api/v1/operations/views", VIEWS_MS);
  const nodes = all.value?.nodes ?? [];
  return (
    <Panel
      title="Nodes"
      area="nodes"
      of={all}
      aside={
        <>
          <button type="button" aria-pressed={node === ""} onClick={() => onNode("")}>
            All nodes
          </button>
          <ViewsVerdict views={views} />
          <button type="button" onClick={views.again}>
            Compare views
          </button>
        </>
      }
    >
      <Rows label="Nodes">
        <table>
          <thead>
            <tr>
              <th scope="col">Node</th>
              <th scope="col">Status</th>
              {["Connections", "Queue", "Event loop", "Memory", "Routed to", "Lag"].map((head) => (
                <th key={head} scope="col" className={styles.number}>
                  {head}
                </th>
              ))}
              <th scope="col">Wire</th>
              <th scope="col" className={styles.number}>
                Clock
              </th>
              <th scope="col">Views</th>
              <th scope="col">Up</th>
              <th scope="col">Version</th>
            </tr>
          </thead>
          <tbody>
            {nodes.map((each) => (
              <NodeRow key={each.id} node={each} isChosen={each.id === node} views={views.value} onNode={onNode} />
            ))}
          </tbody>
        </table>
      </Rows>
    </Panel>
  );
}

interface RowProperties {
  readonly node: NodeState;
  readonly isChosen: boolean;
  readonly views: ViewsComparison | undefined;
  readonly onNode: Properties["onNode"];
}

function NodeRow({ node: { id, name, status, goneAt, figures }, isChosen, views, onNode }: RowProperties): ReactElement {
  const isWell = status === "ready";
  const own = figures === null ? undefined : views?.nodes.find((each) => each.id === id);
  const held = own === undefined ? NONE : own.agrees === null ? `at ${countText(own.offset)}` : own.agrees ? "agree" : "differ";
  return (
    <tr data-node={name} data-status={status}>
      <td title={id}>
        {figures === null ? (
          name
        ) : (
          <button type="button" aria-pressed={isChosen} onClick={() => onNode(isChosen ? "" : id)}>
            {name}
          </button>
        )}
      </td>
      <td className={isWell ? styles.well : styles.bad}>
        <i aria-hidden="true" className={styles.dot} />
        {status === "gone" && goneAt !== null ? `gone since ${clockTime(goneAt)}` : status}
      </td>
      <td className={styles.number}>{countText(figures?.connections)}</td>
      <td className={styles.number}>{bytesText(figures?.queuedBytes)}</td>
      <td className={mark((figures?.eventLoop ?? 0) > BUSY_LOOP)}>{shareText(figures?.eventLoop)}</td>
      <td className={styles.number}>{bytesText(figures?.rssBytes)}</td>
      <td className={styles.number}>{countText(figures?.routedTo)}</td>
      <td className={mark((figures?.lagEvents ?? 0) > LAGGING_EVENTS)}>{countText(figures?.lagEvents)}</td>
      <td className={figures?.wire === "connecting" ? styles.bad : undefined}>{figures?.wire ?? NONE}</td>
      <td className={mark(Math.abs(figures?.clockOffsetMs ?? 0) > OFF_MS)}>{offsetText(figures?.clockOffsetMs)}</td>
      <td className={own?.agrees === false ? styles.bad : undefined} title={own && checksumsText(own.views)}>
        {held}
      </td>
      <td title={figures?.startedAt}>{spanText(figures?.uptimeMs)}</td>
      <td>{figures?.version ?? NONE}</td>
    </tr>
  );
}

function ViewsVerdict({ views: { value, refusal } }: { readonly views: Polled<ViewsComparison> }): ReactElement | null {
  if (value === undefined) return refusal === undefined ? null : <span className={styles.bad}>{refusal.message}</span>;
  const { agree, offset } = value;
  if (agree === false) return <span className={styles.bad}>views differ</span>;
  return (
    <span className={styles.count}>{agree === null ? "views at different offsets" : `views agree at offset ${countText(offset)}`}</span>
  );
}

function mark(isBad: boolean): string {
  return [styles.number, ...(isBad ? [styles.bad] : [])].join(" ");
}

/** `+3 ms`: its own clock is ahead of the one that all go by. */
function offsetText(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return NONE;
  const whole = Math.round(ms);
  const span = Math.abs(whole) < 10_000 ? `${Math.abs(whole)} ms` : spanText(Math.abs(whole));
  return `${whole > 0 ? "+" : whole < 0 ? "−" : ""}${span}`;
}

function checksumsText(views: ViewsComparison["nodes"][number]["views"]): string {
  return Object.entries(views)
    .map(([name, { entities, checksum }]) => `${name}: ${countText(entities)}, ${checksum}`)
    .join("\n");
}
