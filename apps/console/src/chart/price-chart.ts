/** Draws one symbol's bars or ticks, a few times a second, however many prices come. */
import {
  CandlestickSeries,
  ColorType,
  type IChartApi,
  type ISeriesApi,
  LineSeries,
  type UTCTimestamp,
  createChart,
} from "lightweight-charts";
import { shownTheme } from "../shell/theme.ts";
import type { Trail } from "../watchlist/price-trails.ts";

export interface Drawing {
  readonly kind: "candles" | "ticks";
  /** Of a candle. */
  readonly seconds: number;
}

/** The eye follows no more. */
const DRAW_MS = 250;

type Series =
  { readonly kind: "candles"; readonly api: ISeriesApi<"Candlestick"> } | { readonly kind: "ticks"; readonly api: ISeriesApi<"Line"> };

export class PriceChart {
  readonly #box: HTMLElement;
  readonly #chart: IChartApi;
  readonly #series: Series;
  readonly #drawing: Drawing;
  readonly #trail: () => Trail | undefined;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #offTheme: () => void;
  #drawn: number | undefined;
  #decimals = -1;

  constructor(box: HTMLElement, drawing: Drawing, trail: () => Trail | undefined) {
    this.#box = box;
    this.#drawing = drawing;
    this.#trail = trail;
    this.#chart = createChart(box, {
      autoSize: true,
      timeScale: { timeVisible: true, secondsVisible: true, rightOffset: 4, barSpacing: drawing.kind === "candles" ? 9 : 3 },
      localization: { timeFormatter: localTime },
    });
    this.#chart.applyOptions({ timeScale: { tickMarkFormatter: localTime } });
    this.#series =
      drawing.kind === "candles"
        ? { kind: "candles", api: this.#chart.addSeries(CandlestickSeries, { borderVisible: true }) }
        : { kind: "ticks", api: this.#chart.addSeries(LineSeries, { lineWidth: 1 }) };
    this.#offTheme = shownTheme.subscribe(() => this.#paint());
    this.#paint();
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), DRAW_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#offTheme();
    this.#chart.remove();
  }

  #draw(): void {
    const trail = this.#trail();
    const newest = trail?.bars.ticks.at(-1);
    if (trail === undefined || newest === undefined || newest.at === this.#drawn) return;
    this.#drawn = newest.at;
    this.#align(trail.decimals);
    const { bars } = trail;
    if (this.#series.kind === "candles") {
      this.#series.api.setData(bars.every(this.#drawing.seconds).map((bar) => ({ ...bar, time: bar.time as UTCTimestamp })));
    } else {
      // Seconds with a fraction: ticks lie closer together than a second.
      this.#series.api.setData(bars.ticks.map(({ at, mid }) => ({ time: (at / 1000) as UTCTimestamp, value: mid })));
    }
  }

  /** The axis has as many decimals as the symbol's mid price may have. */
  #align(decimals: number): void {
    if (decimals === this.#decimals) return;
    this.#decimals = decimals;
    const precision = decimals + 1;
    this.#series.api.applyOptions({ priceFormat: { type: "price", precision, minMove: Number(`1e-${precision}`) } });
  }

  /** The page's colours: a canvas takes none from a style sheet. */
  #paint(): void {
    const colour = coloursOf(this.#box);
    this.#chart.applyOptions({
      layout: {
        background: { type: ColorType.Solid, color: colour("--panel") },
        textColor: colour("--quiet"),
        fontSize: 11,
        fontFamily: getComputedStyle(this.#box).fontFamily,
      },
      grid: { vertLines: { color: colour("--line") }, horzLines: { color: colour("--line") } },
      rightPriceScale: { borderColor: colour("--line") },
      timeScale: { borderColor: colour("--line") },
    });
    if (this.#series.kind === "ticks") {
      this.#series.api.applyOptions({ color: colour("--up") });
      return;
    }
    // Hollow when it rose, filled when it fell: told apart without a colour.
    this.#series.api.applyOptions({
      upColor: colour("--panel"),
      borderUpColor: colour("--up"),
      wickUpColor: colour("--up"),
      downColor: colour("--down"),
      borderDownColor: colour("--down"),
      wickDownColor: colour("--down"),
    });
  }
}

/** Resolves a property of the style sheet, whose value depends on the theme, to a colour that a canvas takes. */
function coloursOf(box: HTMLElement): (property: string) => string {
  return (property) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${property})`;
    box.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}

const FORMAT = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** In the reader's zone, as everywhere on the page. */
function localTime(time: unknown): string {
  return FORMAT.format(new Date(Number(time) * 1000));
}
