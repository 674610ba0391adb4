/** The mid price of the symbol that is looked at: candles or ticks, as this page heard them. */
import { type ReactElement, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useDesk } from "../desk/desk-context.ts";
import { Choice } from "../dock/choice.tsx";
import { Panel } from "../dock/panel.tsx";
import { useFreshness } from "../freshness/freshness-line.tsx";
import { useNow } from "../use-now.ts";
import { PriceChart, type Drawing } from "./price-chart.ts";
import styles from "./chart.module.css";

const DRAWINGS = ["candles", "ticks"] as const satisfies readonly Drawing["kind"][];
const SPANS = { "5 s": 5, "15 s": 15, "1 min": 60 } as const;
const SPAN_NAMES = ["5 s", "15 s", "1 min"] as const satisfies readonly (keyof typeof SPANS)[];

export function ChartPanel(): ReactElement {
  const { symbolList, trails, freshness } = useDesk();
  const symbol = useSyncExternalStore(symbolList.selected.subscribe, symbolList.selected.get);
  const [kind, setKind] = useState<Drawing["kind"]>("candles");
  const [span, setSpan] = useState<keyof typeof SPANS>("5 s");
  const { state } = useFreshness(freshness.chart);
  useNow(1000);
  const trail = trails.of(symbol);
  const decimals = trail?.decimals ?? 0;
  const newest = trail?.bars.ticks.at(-1);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (box.current === null) return;
    const chart = new PriceChart(box.current, { kind, seconds: SPANS[span] }, () => trails.of(symbol));
    return () => chart.close();
  }, [symbol, kind, span, trails]);
  return (
    <Panel
      name="Chart"
      freshness={freshness.chart}
      isFixed
      tools={
        <>
          <b className={styles.symbol}>{symbol}</b>
          <span data-field="mid" className={styles.mid} data-stale={state === "stale" || state === "resuming"}>
            {newest === undefined ? "–" : newest.mid.toFixed(decimals + 1)}
          </span>
          <span className={styles.push} />
          <Choice label="Drawn as" values={DRAWINGS} value={kind} onChange={setKind} />
          <Choice label="Time of a candle" values={SPAN_NAMES} value={span} onChange={setSpan} />
        </>
      }
    >
      <div
        ref={box}
        className={styles.chart}
        role="group"
        aria-label={`Mid price of ${symbol} since this page was opened`}
        data-stale={state === "stale" || state === "resuming"}
        data-kind={kind}
        data-points={trail?.bars.ticks.length ?? 0}
      />
    </Panel>
  );
}
