/**
 * How long messages took to their receivers, as a histogram: from a publisher's request at the node that took it, or, which is what clients of
 * several nodes see, from the log's stamp, whichever node stored the event.
 */
import { type ReactElement, useState } from "react";
import type { LatencyBuckets, LatencyHistogram } from "@broadtape/protocol/operations";
import { Choice } from "../dock/choice.tsx";
import { countText, msText, spanText } from "./figures.ts";
import { ofNode } from "./nodes.ts";
import styles from "./operations.module.css";
import { Panel } from "./panel.tsx";
import { usePoll } from "./use-poll.ts";

const EVERY_MS = 5000;
const WINDOW_MS = 300_000;

/** Where it begins. */
const KINDS = ["publish", "stored"] as const;
const TITLES = { publish: "Publish-to-write latency", stored: "Stored-to-write latency" } as const;

interface Properties {
  readonly authorized: typeof fetch;
  readonly node: string;
  /** Whether there are several nodes: most of what clients of one see was published to another. */
  readonly hasNodes: boolean;
}

export function LatencyPanel({ authorized, node, hasNodes }: Properties): ReactElement {
  const polled = usePoll<LatencyHistogram>(authorized, ofNode(`api/v1/operations/latency?windowMs=${WINDOW_MS}`, node), EVERY_MS);
  const [chosen, choose] = useState<(typeof KINDS)[number]>();
  const from = chosen ?? (hasNodes ? "stored" : "publish");
  const value: LatencyBuckets | undefined = from === "stored" ? polled.value?.stored : polled.value;
  return (
    <Panel
      title={TITLES[from]}
      area="histogram"
      of={polled}
      aside={
        <>
          <Choice label="Measured from" values={KINDS} value={from} onChange={choose} />
          <span className={styles.count}>last {spanText(polled.value?.windowMs ?? WINDOW_MS)}</span>
        </>
      }
    >
      <dl className={styles.facts}>
        <Fact name="p50" text={msText(value?.p50Ms)} />
        <Fact name="p99" text={msText(value?.p99Ms)} />
        <Fact name="longest" text={msText(value?.maxMs)} />
        <Fact name="messages" text={countText(value?.count)} />
      </dl>
      {value !== undefined && value.count > 0 ? <Bars histogram={value} /> : <p className={styles.none}>Nothing was written.</p>}
      <p className={styles.note}>{SAID[from]}</p>
    </Panel>
  );
}

const SAID = {
  publish: "What was published to the node that wrote it, from the request to the write, by one clock.",
  stored: "All events, whichever node stored them, from the log’s stamp to the write: as true as the nodes’ clocks agree.",
} as const;

function Fact({ name, text }: { readonly name: string; readonly text: string }): ReactElement {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-latency={name}>{text}</dd>
    </div>
  );
}

function Bars({ histogram: { buckets, count, p50Ms, p99Ms } }: { readonly histogram: LatencyBuckets }): ReactElement {
  const most = Math.max(...buckets.map((bucket) => bucket.count));
  const [first, last] = [buckets[0], buckets.at(-1)];
  return (
    <figure
      className={styles.bars}
      role="img"
      aria-label={`Histogram of ${count} messages: half within ${msText(p50Ms)}, 99 % within ${msText(p99Ms)}`}
    >
      <div>
        {buckets.map(({ fromMs, toMs, count: own }) => (
          <i
            key={fromMs}
            title={`${msText(fromMs)} to ${toMs === null ? "more" : msText(toMs)}: ${countText(own)}`}
            // A single slow message among many is still to be seen.
            style={{ height: `${own === 0 ? 0 : Math.max(2, (own / most) * 100)}%` }}
            data-over={p99Ms !== null && fromMs >= p99Ms}
          />
        ))}
      </div>
      <figcaption>
        <span>{msText(first?.fromMs)}</span>
        <span>{msText(last?.toMs ?? last?.fromMs)}</span>
      </figcaption>
    </figure>
  );
}
