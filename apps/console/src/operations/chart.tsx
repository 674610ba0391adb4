/** Lines over time. The numbers under the pointer, else the newest, stand in words above it. */
import { type ReactElement, useEffect, useRef, useState, useSyncExternalStore } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { shownTheme } from "../shell/theme.ts";
import { clockTime } from "../wallet/clock-time.ts";
import type { Columns } from "./history.ts";
import styles from "./operations.module.css";

export interface Line {
  readonly label: string;
  /** A variable of the page: `--up`. */
  readonly colour: string;
  readonly text: (value: number | null | undefined) => string;
  readonly isFilled?: boolean;
}

interface Properties {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly columns: Columns;
  /** Each step up is ten times as much. */
  readonly isLogarithmic?: boolean;
  readonly axis: (value: number) => string;
}

const HEIGHT_PX = 148;
const LEAST_SECONDS = 120;
/** Charts with the same key point at the same moment. */
const MOMENT = "operations";

export function Chart({ title, lines, columns, isLogarithmic = false, axis }: Properties): ReactElement {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const newest = useRef(columns);
  newest.current = columns;
  const [pointed, setPointed] = useState<number>();
  const theme = useSyncExternalStore(shownTheme.subscribe, shownTheme.get);

  useEffect(() => {
    const { current } = box;
    if (current === null) return;
    const created = new uPlot(optionsOf(current, lines, axis, isLogarithmic, setPointed), newest.current, current);
    plot.current = created;
    const resized = new ResizeObserver(() => created.setSize({ width: current.clientWidth, height: HEIGHT_PX }));
    resized.observe(current);
    return () => {
      resized.disconnect();
      created.destroy();
      plot.current = undefined;
    };
    // Colours are read when it is made; lines and axis are constants of the panel.
  }, [theme, lines, axis, isLogarithmic]);
  useEffect(() => plot.current?.setData(columns), [columns]);

  const at = pointed ?? columns[0].length - 1;
  const time = columns[0][at];
  const shown = lines.map(({ label, text }, index) => `${label} ${text(columns[index + 1]?.[at] ?? null)}`);
  return (
    <div className={styles.chart}>
      <div className={styles.legend}>
        {lines.map(({ label, colour, text }, index) => (
          <span key={label}>
            <i style={{ background: `var(${colour})` }} aria-hidden="true" />
            {label} <b>{text(columns[index + 1]?.[at] ?? null)}</b>
          </span>
        ))}
        <span className={styles.push} />
        {pointed !== undefined && time !== undefined && <time>{clockTime(time * 1000)}</time>}
      </div>
      <div
        ref={box}
        className={styles.plot}
        style={{ height: HEIGHT_PX }}
        role="img"
        aria-label={`${title}, last hour: ${shown.join(", ")}`}
      />
    </div>
  );
}

function optionsOf(
  box: HTMLElement,
  lines: readonly Line[],
  axis: (value: number) => string,
  isLogarithmic: boolean,
  onPoint: (index: number | undefined) => void,
): uPlot.Options {
  const colour = (name: string) => colourOf(box, name);
  const quiet = colour("--quiet");
  const grid = { stroke: colour("--line"), width: 1 };
  const font = `11px ${getComputedStyle(box).fontFamily}`;
  const around = { stroke: quiet, font, grid, ticks: { show: false } };
  return {
    width: box.clientWidth,
    height: HEIGHT_PX,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: MOMENT }, drag: { x: false, y: false }, points: { size: 5 }, y: false },
    scales: {
      x: { time: true, range: (_plot, min, max) => [Math.min(min, max - LEAST_SECONDS), max] },
      // uPlot declares its constants as an ambient enum, which a module by itself cannot read. 3: logarithmic.
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
      y: isLogarithmic
        ? { distr: 3, range: (_plot, min, max) => [10 ** Math.floor(Math.log10(min || 0.1)), 10 ** Math.ceil(Math.log10(max || 100))] }
        : { range: (_plot, _min, max) => [0, max > 0 ? max * 1.12 : 1] },
    },
    axes: [
      { ...around, size: 22, gap: 3, space: 64, values: (_plot, times) => timesText(times) },
      {
        ...around,
        // On a logarithmic axis lines at the powers of ten, not at each step between them.
        grid: {
          ...grid,
          filter: (_plot, values) => (isLogarithmic ? values.map((value) => (isPowerOfTen(value) ? value : null)) : values),
        },
        size: 46,
        gap: 4,
        space: 28,
        values: (_plot, values) => values.map((value: number | null) => (value === null ? "" : axis(value))),
      },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        stroke: colour(line.colour),
        width: 1.4,
        points: { show: false },
        ...(line.isFilled === true && { fill: translucent(colour(line.colour)) }),
      })),
    ],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? undefined)] },
  };
}

/** With seconds where several stand in one minute. */
function timesText(times: readonly number[]): string[] {
  const [first = 0, second = Infinity] = times;
  return times.map((time) => clockTime(time * 1000).slice(0, second - first < 60 ? undefined : 5));
}

function isPowerOfTen(value: number): boolean {
  const power = Math.log10(value);
  return Math.abs(power - Math.round(power)) < 1e-9;
}

/** Canvases know no variables: asked of an element that does. */
function colourOf(box: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  box.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function translucent(rgb: string): string {
  return rgb.replace(/^rgb\((.*)\)$/, "rgba($1, 0.12)");
}
