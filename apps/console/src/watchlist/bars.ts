/** Prices of a symbol as a chart shows them: bars of a second, and the newest ticks; of mid prices, as this page heard them. */

/** Times are whole seconds since the epoch, as the page's clock has them. */
export interface Bar {
  readonly time: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}

export interface Tick {
  /** Milliseconds since the epoch. Invariant: each later than the one before. */
  readonly at: number;
  readonly mid: number;
}

/** Half an hour. */
const MAX_BARS = 1800;
const MAX_TICKS = 600;

export class Bars {
  /** Oldest first, each second once. */
  readonly seconds: Bar[] = [];
  readonly ticks: Tick[] = [];

  take(at: number, mid: number): void {
    const time = Math.floor(at / 1000);
    const newest = this.seconds.at(-1);
    // A clock that was set back moves nothing that is drawn.
    if (newest !== undefined && newest.time >= time) {
      const { open, high, low } = newest;
      this.seconds[this.seconds.length - 1] = {
        time: newest.time,
        open,
        high: Math.max(high, mid),
        low: Math.min(low, mid),
        close: mid,
      };
    } else {
      this.seconds.push({ time, open: mid, high: mid, low: mid, close: mid });
      if (this.seconds.length > MAX_BARS) this.seconds.shift();
    }
    const last = this.ticks.at(-1);
    this.ticks.push({ at: last === undefined ? at : Math.max(at, last.at + 1), mid });
    if (this.ticks.length > MAX_TICKS) this.ticks.shift();
  }

  /** Bars of so many seconds, oldest first; a second in which nothing came is in none. */
  every(seconds: number): readonly Bar[] {
    const bars: Bar[] = [];
    for (const { time, open, high, low, close } of this.seconds) {
      const start = time - (time % seconds);
      const newest = bars.at(-1);
      if (newest?.time !== start) bars.push({ time: start, open, high, low, close });
      else
        bars[bars.length - 1] = {
          time: start,
          open: newest.open,
          high: Math.max(newest.high, high),
          low: Math.min(newest.low, low),
          close,
        };
    }
    return bars;
  }
}
