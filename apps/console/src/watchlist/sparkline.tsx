/** The last minute of a mid price as a line; decoration for those who see it. */
import { type ReactElement, memo } from "react";
import styles from "./watchlist.module.css";
import type { Point } from "./price-trails.ts";

const WIDTH = 72;
const HEIGHT = 20;
const MINUTE_MS = 60_000;

interface Properties {
  /** Grows in place. */
  readonly points: readonly Point[];
  /** Drawn anew when this changes, and not with each point. */
  readonly now: number;
}

export const Sparkline = memo(function Sparkline({ points, now }: Properties): ReactElement {
  const mids = points.map(({ mid }) => mid);
  const low = Math.min(...mids);
  const span = Math.max(...mids) - low;
  const x = (at: number) => WIDTH - (Math.max(0, now - at) / MINUTE_MS) * WIDTH;
  const y = (mid: number) => (span === 0 ? HEIGHT / 2 : HEIGHT - 2 - ((mid - low) / span) * (HEIGHT - 4));
  const path = points.map(({ at, mid }) => `${x(at).toFixed(1)},${y(mid).toFixed(1)}`).join(" ");
  return (
    <svg className={styles.sparkline} width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <polyline points={path} fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" />
    </svg>
  );
});
