/** From a publisher's request to the write to its receivers, as a histogram. */
import type { ReactElement } from "react";
import type { LatencyHistogram } from "@broadtape/protocol/operations";
import { countText, msText, spanText } from "./figures.ts";
import { ofNode } from "./nodes.ts";
import styles from "./operations.module.css";
import { Panel } from "./panel.tsx";
import { usePoll } from "./use-poll.ts";

const EVERY_MS = 5000;
const WINDOW_MS = 300_000;

export function LatencyPanel({ authorized, node }: { readonly authorized: typeof fetch; readonly node: string }): ReactElement {
  const polled = usePoll<LatencyHistogram>(authorized, ofNode(`api/v1/operations/latency?windowMs=${WINDOW_MS}`, node), EVERY_MS);
  const { value } = polled;
  return (
    <Panel
      title="Publish-to-write latency"
      area="histogram"
      of={polled}
      aside={<span className={styles.count}>last {spanText(value?.windowMs ?? WINDOW_MS)}</span>}
    >
      <dl className={styles.facts}>
        <Fact name="p50" text={msText(value?.p50Ms)} />
        <Fact name="p99" text={msText(value?.p99Ms)} />
        <Fact name="longest" text={msText(value?.maxMs)} />
        <Fact name="messages" text={countText(value?.count)} />
      </dl>
      {value !== undefined && value.count > 0 ? <Bars histogram={value} /> : <p className={styles.none}>Nothing was written.</p>}
    </Panel>
  );
}

function Fact({ name, text }: { readonly name: string; readonly text: string }): ReactElement {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-latency={name}>{text}</dd>
    </div>
  );
}

function Bars({ histogram: { buckets, count, p50Ms, p99Ms } }: { readonly histogram: LatencyHistogram }): ReactElement {
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
