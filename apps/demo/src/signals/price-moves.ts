/** Finds moves of a price within a window of time, by how far they go. Decimals throughout; knows no clock and no server. */
import type Big from "big.js";
import { toBig } from "@broadtape/protocol/money";

export type Level = "info" | "warning" | "error";

export interface PriceMove {
  readonly symbol: string;
  readonly level: Level;
  readonly message: string;
}

interface Sample {
  readonly at: number;
  readonly mid: Big;
}

const WINDOW_MS = 60_000;
/** Whoever looks more often than 120 times in a window has a shorter one. */
const MAX_SAMPLES = 120;
/** Of one level and symbol, one alert in so long. */
const QUIET_MS = 60_000;
/** The largest first, as shares of the price from which it moved. */
const LEVELS: readonly { readonly level: Level; readonly share: Big }[] = [
  { level: "error", share: toBig("0.0015") },
  { level: "warning", share: toBig("0.0007") },
  { level: "info", share: toBig("0.0003") },
];

export class PriceMoves {
  /** By symbol: the window, oldest first, at most {@link MAX_SAMPLES}. The symbols are the recording's few. */
  readonly #windows = new Map<string, readonly Sample[]>();
  /** By symbol and level: when it was told last. */
  readonly #toldAt = new Map<string, number>();

  /** The move that ends with this price, where it is far enough and nothing of its level was told lately. */
  look(symbol: string, mid: Big, at: number): PriceMove | undefined {
    const window = (this.#windows.get(symbol) ?? []).filter((each) => each.at > at - WINDOW_MS);
    this.#windows.set(symbol, [...window, { at, mid }].slice(-MAX_SAMPLES));
    const from = furthest(window, mid);
    if (from === undefined) return undefined;
    const distance = mid.minus(from.mid).abs();
    const level = LEVELS.find(({ share }) => distance.gte(from.mid.times(share)))?.level;
    if (level === undefined) return undefined;
    const key = `${symbol} ${level}`;
    const toldAt = this.#toldAt.get(key);
    if (toldAt !== undefined && at - toldAt < QUIET_MS) return undefined;
    this.#toldAt.set(key, at);
    return { symbol, level, message: messageOf(symbol, from, { at, mid }) };
  }
}

/** From which the price has moved most; among equals the newest. */
function furthest(window: readonly Sample[], mid: Big): Sample | undefined {
  return window.reduce<Sample | undefined>(
    (best, each) => (best === undefined || each.mid.minus(mid).abs().gte(best.mid.minus(mid).abs()) ? each : best),
    undefined,
  );
}

function messageOf(symbol: string, from: Sample, to: Sample): string {
  const percent = to.mid.minus(from.mid).abs().times(100).div(from.mid).toFixed(3);
  const seconds = Math.max(1, Math.round((to.at - from.at) / 1000));
  const verb = to.mid.gt(from.mid) ? "rose" : "fell";
  return `${symbol} ${verb} ${percent} % within ${seconds} s, from ${from.mid.toFixed()} to ${to.mid.toFixed()}`;
}
