/** Metrics of what is counted anyway: read at each scrape from where it stands. */
import { Counter, Gauge, type Registry } from "prom-client";

/** @param name without `broadtape_`. */
export function gaugeOf(registry: Registry, name: string, help: string, read: () => number): void {
  const gauge: Gauge = new Gauge({
    name: `broadtape_${name}`,
    help,
    registers: [registry],
    collect() {
      gauge.set(read());
    },
  });
}

/** @param read what only rises. */
export function counterOf(registry: Registry, name: string, help: string, read: () => number): void {
  const counter: Counter = new Counter({
    name: `broadtape_${name}`,
    help,
    registers: [registry],
    collect() {
      counter.reset();
      counter.inc(read());
    },
  });
}
