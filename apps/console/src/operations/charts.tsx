/** How the last hour was: rates, connections, latency, load. */
import { type ReactElement, useMemo } from "react";
import type { OperationsSample } from "@broadtape/protocol/operations";
import { Chart, type Line } from "./chart.tsx";
import { bytesText, countText, msText, rateText, shareText } from "./figures.ts";
import { type History, columnsOf, perSecond } from "./history.ts";
import { Panel } from "./panel.tsx";
import type { Polled } from "./poll.ts";

interface Plan {
  readonly title: string;
  readonly area: string;
  readonly isLogarithmic?: boolean;
  readonly axis: (value: number) => string;
  readonly lines: readonly (Line & { readonly of: (sample: OperationsSample) => number | null })[];
}

const shortRate = (value: number) => (value >= 10_000 ? `${value / 1000}k` : String(Math.round(value * 10) / 10));
const shortMs = (value: number) => (value >= 1000 ? `${value / 1000} s` : `${value} ms`);

const PLANS: readonly Plan[] = [
  {
    title: "Messages a second",
    area: "rates",
    axis: shortRate,
    lines: [
      { label: "delivered", colour: "--up", text: rateText, isFilled: true, of: (each) => perSecond(each.delivered, each) },
      { label: "published", colour: "--down", text: rateText, of: (each) => perSecond(each.published, each) },
      { label: "conflated", colour: "--quiet", text: rateText, of: (each) => perSecond(each.conflated, each) },
    ],
  },
  {
    title: "Publish to write",
    area: "latencies",
    isLogarithmic: true,
    axis: shortMs,
    lines: [
      { label: "p99", colour: "--down", text: msText, of: ({ p99Ms }) => positive(p99Ms) },
      { label: "p50", colour: "--up", text: msText, of: ({ p50Ms }) => positive(p50Ms) },
    ],
  },
  {
    title: "Connections",
    area: "crowd",
    axis: shortRate,
    lines: [
      { label: "connections", colour: "--up", text: countText, isFilled: true, of: ({ connections }) => connections },
      { label: "users", colour: "--good", text: countText, of: ({ users }) => users },
      { label: "paused", colour: "--bad", text: countText, of: ({ pausedConnections }) => pausedConnections },
    ],
  },
  {
    title: "Load",
    area: "load",
    axis: (value) => `${Math.round(value * 100)} %`,
    lines: [{ label: "event loop", colour: "--up", text: shareText, isFilled: true, of: ({ eventLoop }) => eventLoop }],
  },
];

/** Of several nodes: most of what clients of one see was published to another. */
const STORED: Plan = {
  title: "Stored to write",
  area: "latencies",
  isLogarithmic: true,
  axis: shortMs,
  lines: [
    { label: "p99", colour: "--down", text: msText, of: ({ stored }) => positive(stored?.p99Ms) },
    { label: "p50", colour: "--up", text: msText, of: ({ stored }) => positive(stored?.p50Ms) },
  ],
};
const OF_NODES = PLANS.map((plan) => (plan.area === STORED.area ? STORED : plan));

interface Properties {
  readonly history: Polled<History>;
  readonly hasNodes: boolean;
}

export function Charts({ history, hasNodes }: Properties): ReactElement {
  return (
    <>
      {(hasNodes ? OF_NODES : PLANS).map((plan) => (
        <ChartPanel key={plan.title} plan={plan} history={history} />
      ))}
    </>
  );
}

const NOTHING: History = { sampleMs: 0, samples: [] };

function ChartPanel({ plan, history }: { readonly plan: Plan; readonly history: Polled<History> }): ReactElement {
  const { title, area, lines, axis, isLogarithmic = false } = plan;
  const known = history.value ?? NOTHING;
  const columns = useMemo(
    () =>
      columnsOf(
        known,
        lines.map(({ of }) => of),
      ),
    [known, lines],
  );
  const newest = known.samples.at(-1);
  return (
    <Panel
      title={title}
      area={area}
      of={history}
      aside={area === "load" && newest !== undefined && `queued ${bytesText(newest.queuedBytes)}`}
    >
      <Chart title={title} lines={lines} columns={columns} axis={axis} isLogarithmic={isLogarithmic} />
    </Panel>
  );
}

/** A logarithm has no zero. */
function positive(ms: number | null | undefined): number | null {
  return ms === null || ms === undefined ? null : Math.max(0.01, ms);
}
