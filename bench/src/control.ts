/** What the measuring process and its servers and load say to each other over IPC. */

export type ServerOrder =
  /** Publishes on the first `topics` symbols in turn. */
  | { readonly kind: "publish"; readonly eventsPerSecond: number; readonly seconds: number; readonly topics: number }
  | { readonly kind: "memory" }
  | { readonly kind: "stop" };

export interface ServerReady {
  readonly kind: "ready";
  readonly port: number;
  readonly token: string;
}

export interface Published {
  readonly kind: "published";
  readonly events: number;
  readonly seconds: number;
  /** Seconds of processor time, all threads. */
  readonly cpuSeconds: number;
}

export interface Memory {
  readonly kind: "memory";
  readonly residentBytes: number;
}

export type LoadOrder =
  | {
      readonly kind: "connect";
      readonly wire: "websocket" | "native" | "socket-io" | "socket-io-namespace" | "sse";
      readonly port: number;
      readonly token: string;
      readonly clients: number;
      readonly topics: number;
      readonly topicsEach: number;
    }
  | { readonly kind: "reset" }
  | { readonly kind: "read" }
  | { readonly kind: "stop" };

export interface Reading {
  readonly kind: "reading";
  readonly messages: number;
  readonly bytes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Connected {
  readonly kind: "connected";
}

/** Publishes at a rate, in slices of a millisecond; falls behind rather than burst without end. */
export async function publishAtRate(
  { eventsPerSecond, seconds, topics }: Extract<ServerOrder, { kind: "publish" }>,
  publish: (symbolIndex: number) => void,
  mayPublish: () => boolean = () => true,
): Promise<Published> {
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  let events = 0;
  await new Promise<void>((resolve) => {
    const slice = () => {
      const elapsed = (performance.now() - started) / 1000;
      const due = Math.min(elapsed, seconds) * eventsPerSecond;
      for (let burst = 0; events < due && burst < eventsPerSecond / 20 && mayPublish(); burst++) publish(events++ % topics);
      if (elapsed >= seconds) resolve();
      else setTimeout(slice, 1);
    };
    slice();
  });
  const cpu = process.cpuUsage(cpuBefore);
  return { kind: "published", events, seconds: (performance.now() - started) / 1000, cpuSeconds: (cpu.user + cpu.system) / 1e6 };
}

/** Serves the measuring process's orders. */
export function serve(ready: Omit<ServerReady, "kind">, publish: (symbolIndex: number) => void, mayPublish?: () => boolean): void {
  process.on("message", (order: ServerOrder) => {
    if (order.kind === "stop") process.exit(0);
    if (order.kind === "memory") {
      (globalThis as { gc?: () => void }).gc?.();
      process.send?.({ kind: "memory", residentBytes: process.memoryUsage().rss } satisfies Memory);
      return;
    }
    void publishAtRate(order, publish, mayPublish).then((published) => process.send?.(published));
  });
  process.on("disconnect", () => process.exit(0));
  process.send?.({ kind: "ready", ...ready } satisfies ServerReady);
}
