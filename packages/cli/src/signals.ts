/** Tells a second signal from the same one that came twice. */
import type { EventEmitter } from "node:events";

export const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type Signal = (typeof SIGNALS)[number];

/** A terminal signals its whole group, and npm and the launcher pass their signal on: one and the same, within moments. */
const SAME_SIGNAL_MS = 500;

export interface SignalHandlers {
  readonly first: () => void;
  readonly second: (signal: Signal) => void;
}

/** @param source the process */
export function onSignals(source: Pick<EventEmitter, "on">, { first, second }: SignalHandlers): void {
  let firstAt: number | undefined;
  for (const signal of SIGNALS) {
    source.on(signal, () => {
      if (firstAt === undefined) {
        firstAt = performance.now();
        first();
      } else if (performance.now() - firstAt > SAME_SIGNAL_MS) second(signal);
    });
  }
}
