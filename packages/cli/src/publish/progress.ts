/** A bar on a terminal; nothing elsewhere. */
import { statSync } from "node:fs";
import { SingleBar } from "cli-progress";
import type { Output } from "../io.ts";

export interface Progress {
  show(bytes: number, events: number): void;
  /** Says something without tearing the bar. */
  pause(tell: () => void): void;
  stop(): void;
}

const NONE: Progress = { show: () => undefined, pause: (tell) => tell(), stop: () => undefined };

/** @param file undefined where its end is not known */
export function progressOf(file: string | undefined, output: Output): Progress {
  const stats = file === undefined || output.isTTY !== true ? undefined : statSync(file);
  if (stats?.isFile() !== true) return NONE;
  const format = "{bar} {percentage}% {events} events, {eta_formatted} left";
  const bar = new SingleBar({ stream: output, format, hideCursor: false, clearOnComplete: true });
  let shown = { bytes: 0, events: 0 };
  const start = () => {
    bar.start(stats.size, shown.bytes, { events: shown.events });
  };
  start();
  return {
    show(bytes, events) {
      shown = { bytes, events };
      bar.update(bytes, { events });
    },
    pause(tell) {
      bar.stop();
      tell();
      start();
    },
    stop() {
      bar.stop();
    },
  };
}
