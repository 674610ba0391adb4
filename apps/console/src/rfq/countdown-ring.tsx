/** How long an RFQ still runs, as a ring and in words; then how it ended. */
import { type ReactElement, useState } from "react";
import { type RfqStatus, isOver } from "./rfq-types.ts";
import styles from "./countdown.module.css";

interface Properties {
  readonly status: RfqStatus;
  /** Whole seconds, by the server's clock. */
  readonly timeRemaining: number;
  /** All the time that it was given; where that is unknown, the ring starts full. */
  readonly spanSeconds: number | undefined;
  /** How it ended, in words. */
  readonly outcome: string;
}

const SIZE = 44;
const RADIUS = 19;
const AROUND = 2 * Math.PI * RADIUS;
const URGENT_SECONDS = 5;

export function CountdownRing({ status, timeRemaining, spanSeconds = 0, outcome }: Properties): ReactElement {
  const [longest, setLongest] = useState(timeRemaining);
  if (timeRemaining > longest) setLongest(timeRemaining);
  const over = isOver(status);
  return (
    <div className={styles.clock} data-status={status} data-urgent={!over && timeRemaining <= URGENT_SECONDS}>
      <Ring left={over ? 0 : partAhead(timeRemaining, Math.max(longest, spanSeconds))} mark={over ? MARKS[status] : undefined} />
      <span className={styles.words}>
        {!over && (
          <span role="timer" aria-label="Time remaining" className={styles.seconds}>
            {timeRemaining} s
          </span>
        )}
        <span role="status" aria-label="Outcome" className={styles.outcome}>
          {over && outcome}
        </span>
      </span>
    </div>
  );
}

/** Drawn over the second that follows each tick, so that the ring arrives when the next one comes. */
function partAhead(timeRemaining: number, spanSeconds: number): number {
  return spanSeconds <= 0 ? 0 : Math.min(1, Math.max(0, timeRemaining - 1) / spanSeconds);
}

const MARKS: Readonly<Partial<Record<RfqStatus, string>>> = { filled: "✓", expired: "∅", cancelled: "✕" };

function Ring({ left, mark }: { readonly left: number; readonly mark: string | undefined }): ReactElement {
  const circle = { cx: SIZE / 2, cy: SIZE / 2, r: RADIUS, fill: "none", strokeWidth: 4 };
  return (
    <svg className={styles.ring} width={SIZE} height={SIZE} viewBox={`0 0 ${SIZE} ${SIZE}`} aria-hidden="true">
      <circle {...circle} className={styles.track} />
      {mark === undefined ? (
        <circle {...circle} className={styles.left} strokeDasharray={AROUND} strokeDashoffset={AROUND * (1 - left)} />
      ) : (
        <text x="50%" y="50%" dy="0.35em" textAnchor="middle" className={styles.mark}>
          {mark}
        </text>
      )}
    </svg>
  );
}
