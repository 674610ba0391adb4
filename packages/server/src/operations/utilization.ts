import { performance } from "node:perf_hooks";

/** Returns a function that tells the share of time in which the event loop was busy since it was last asked, 0 to 1. */
export function eventLoopUtilization(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const before = last;
    last = performance.eventLoopUtilization();
    return performance.eventLoopUtilization(last, before).utilization;
  };
}
