/** Raw frames, the newest at the end: only those that can be seen are on the page. */
import { type ReactElement, type UIEvent, useLayoutEffect, useRef, useState } from "react";
import { clockTime } from "../wallet/clock-time.ts";
import type { RawFrame } from "./frame-log.ts";
import { indentJson } from "./indent-json.ts";
import styles from "./try.module.css";

const ROW_PX = 22;
/** Rows above and below what is seen. */
const SPARE = 8;
/** A row shows the beginning. */
const ROW_CHARACTERS = 400;

export function FrameList({ frames }: { readonly frames: readonly RawFrame[] }): ReactElement {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 480 });
  const [chosen, setChosen] = useState<RawFrame>();
  /** Whether the newest is in sight: then it stays so. */
  const atEnd = useRef(true);
  const firstNumber = frames[0]?.number ?? 0;
  const seenFirst = useRef(firstNumber);

  useLayoutEffect(() => {
    const { current } = box;
    if (current === null) return;
    if (atEnd.current) current.scrollTop = current.scrollHeight;
    // What is forgotten at the beginning moves nothing under the reader's eyes.
    else current.scrollTop -= Math.max(0, firstNumber - seenFirst.current) * ROW_PX;
    seenFirst.current = firstNumber;
  }, [frames, firstNumber]);

  const scrolled = ({ currentTarget: { scrollTop, clientHeight, scrollHeight } }: UIEvent) => {
    atEnd.current = scrollTop + clientHeight >= scrollHeight - ROW_PX;
    setView({ top: scrollTop, height: clientHeight });
  };
  const from = Math.max(0, Math.floor(view.top / ROW_PX) - SPARE);
  const to = Math.ceil((view.top + view.height) / ROW_PX) + SPARE;
  return (
    <>
      <div ref={box} className={styles.frames} onScroll={scrolled} tabIndex={0} role="group" aria-label="Frames">
        <div className={styles.rows} style={{ height: frames.length * ROW_PX }}>
          {frames.slice(from, to).map((frame, index) => (
            <button
              key={frame.number}
              type="button"
              className={styles.frame}
              style={{ top: (from + index) * ROW_PX, height: ROW_PX }}
              data-direction={frame.direction}
              data-frame={frame.number}
              aria-pressed={chosen?.number === frame.number}
              onClick={() => setChosen(chosen?.number === frame.number ? undefined : frame)}
            >
              <time>{clockTime(frame.at)}</time>
              <span aria-hidden="true">{frame.direction === "in" ? "↓" : "↑"}</span>
              <span className={styles.frameText}>{frame.text.slice(0, ROW_CHARACTERS)}</span>
            </button>
          ))}
        </div>
      </div>
      {chosen !== undefined && (
        <div className={styles.detail} role="group" aria-label="Frame">
          <div className={styles.bar}>
            <span className={styles.quiet}>
              {chosen.direction === "in" ? "Received" : "Sent"} at {clockTime(chosen.at)} · {chosen.text.length} characters
            </span>
            <span className={styles.push} />
            <button type="button" onClick={() => setChosen(undefined)}>
              Close
            </button>
          </div>
          <pre tabIndex={0}>{indentJson(chosen.text)}</pre>
        </div>
      )}
    </>
  );
}
