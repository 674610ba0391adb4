/** What the measuring process and its servers and load say to each other over IPC. */

export type ServerOrder =
  /** Publishes on the first `topics` symbols in turn. */
  | { readonly kind: "publish"; readonly eventsPerSecond: number; readonly seconds: number; readonly topics: number }
  /** Publishes so many events, as fast as they are taken, and tells the cursor before the first of them. */
  | { readonly kind: "fill"; readonly events: number; readonly topics: number }
  | { readonly kind: "memory" }
  /** Processor time since the last such order. */
  | { readonly kind: "cpu" }
  | { readonly kind: "stop" };

export interface ServerReady {
  readonly kind: "ready";
  readonly port: number;
  readonly token: string;
  /** Of the users whose transactions are published, in order. */
  readonly tokens?: readonly string[];
}

export interface Published {
  readonly kind: "published";
  readonly events: number;
  readonly seconds: number;
  /** Seconds of processor time, all threads. */
  readonly cpuSeconds: number;
}

export interface Filled {
  readonly kind: "filled";
  readonly cursor: string;
}

export interface Cpu {
  readonly kind: "cpu";
  readonly cpuSeconds: number;
}

export interface Memory {
  readonly kind: "memory";
  readonly residentBytes: number;
  /** What is referred to: the heap after a collection, and what its objects hold outside it. */
  readonly liveBytes: number;
}

export type LoadOrder =
  | {
      readonly kind: "connect";
      readonly wire: "websocket" | "native" | "native-resume" | "socket-io" | "socket-io-namespace" | "sse" | "sse-gzip" | "feed";
      readonly port: number;
      readonly token: string;
      readonly clients: number;
      readonly topics: number;
      readonly topicsEach: number;
      /** One a client, where each is another user; else `token` is everybody's. */
      readonly tokens?: readonly string[];
      /** Kind of the native protocol's topics; default `symbol`. */
      readonly topicKind?: string;
      /** Resumes after this cursor, over the native protocol. */
      readonly after?: string;
    }
  | { readonly kind: "reset" }
  | { readonly kind: "read" }
  | { readonly kind: "stop" };

/** So many clients of a compressed wire read what they get; the others count bytes, or the load would be all decompression. */
export const DECODING_CLIENTS = 20;

export interface Reading {
  readonly kind: "reading";
  readonly messages: number;
  readonly bytes: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
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

export interface Duties {
  readonly publish: (symbolIndex: number) => void;
  /** False while the server has more in hand than it can keep. */
  readonly mayPublish?: () => boolean;
  readonly fill?: (events: number, topics: number) => Promise<string>;
}

function memory(): Memory {
  const { rss, heapUsed, external } = process.memoryUsage();
  return { kind: "memory", residentBytes: rss, liveBytes: heapUsed + external };
}

/** Serves the measuring process's orders. */
export function serve(ready: Omit<ServerReady, "kind">, { publish, mayPublish, fill }: Duties): void {
  let cpu = process.cpuUsage();
  const answer = (message: Published | Memory | Filled | Cpu) => process.send?.(message);
  process.on("message", (order: ServerOrder) => {
    switch (order.kind) {
      case "stop":
        process.exit(0);
        break;
      case "memory":
        (globalThis as { gc?: () => void }).gc?.();
        answer(memory());
        return;
      case "cpu": {
        const used = process.cpuUsage(cpu);
        cpu = process.cpuUsage();
        answer({ kind: "cpu", cpuSeconds: (used.user + used.system) / 1e6 });
        return;
      }
      case "fill":
        void fill?.(order.events, order.topics).then((cursor) => answer({ kind: "filled", cursor }));
        return;
      case "publish":
        void publishAtRate(order, publish, mayPublish).then(answer);
    }
  });
  process.on("disconnect", () => process.exit(0));
  process.send?.({ kind: "ready", ...ready } satisfies ServerReady);
}
