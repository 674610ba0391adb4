/** A node's process, as the world around it sees it: it runs, sleeps (nothing comes in and no timer ends), or is dead. */
import type { Clock } from "../../../packages/server/src/engine/clock.ts";
import type { Cluster } from "../../../packages/server/src/cluster/cluster.ts";
import type { Wire } from "../../../packages/server/src/wire/wire.ts";
import type { FakeClock } from "../../../packages/server/testing/fake-clock.ts";

export class Process {
  #state: "awake" | "asleep" | "dead" = "awake";
  /** What came in while it slept, in order. */
  #backlog: (() => void)[] = [];

  get state(): "awake" | "asleep" | "dead" {
    return this.#state;
  }

  /** Everything that comes from outside comes through here. */
  gate(run: () => void): void {
    if (this.#state === "awake") run();
    else if (this.#state === "asleep") this.#backlog.push(run);
  }

  /** The outcome of something outside, once the process can see it; never, where it is dead by then. */
  gated<T>(outcome: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      outcome.then(
        (value) => this.gate(() => resolve(value)),
        (error: unknown) => this.gate(() => reject(error instanceof Error ? error : new Error(String(error)))),
      );
    });
  }

  sleep(): void {
    if (this.#state === "awake") this.#state = "asleep";
  }

  wake(): void {
    if (this.#state !== "asleep") return;
    this.#state = "awake";
    for (const run of this.#backlog.splice(0)) run();
  }

  die(): void {
    this.#state = "dead";
    this.#backlog = [];
  }
}

/** The world's time, whose timers end for a process only while it is awake. */
export function clockOf(process: Process, clock: FakeClock): Clock {
  return {
    now: () => Math.floor(clock.now()),
    monotonic: () => clock.monotonic(),
    after(ms, run) {
      let isStopped = false;
      const stop = clock.after(ms, () => {
        process.gate(() => {
          if (!isStopped) run();
        });
      });
      return () => {
        isStopped = true;
        stop();
      };
    },
    endOfTurn: (run) => {
      clock.endOfTurn(() => process.gate(run));
    },
  };
}

export function clusterOf(process: Process, inner: Cluster): Cluster {
  return {
    self: inner.self,
    others: () => inner.others(),
    enter: (seat) => process.gated(inner.enter(seat)),
    leave: (connectionId) => inner.leave(connectionId),
    hit: (key, limit) => process.gated(inner.hit(key, limit)),
    tell: (kind, body) => process.gated(inner.tell(kind, body)),
    onTold: (kind, hear) => inner.onTold(kind, (body, from) => process.gate(() => hear(body, from))),
    ask: (kind, body, options) => process.gated(inner.ask(kind, body, options)),
    onAsked: (kind, answer) =>
      inner.onAsked(
        kind,
        (body, from) =>
          new Promise((resolve, reject) => {
            const answering = async () => answer(body, from);
            process.gate(() => void answering().then(resolve, reject));
          }),
      ),
    onGone: (hear) => inner.onGone((node) => process.gate(() => hear(node))),
    awake: () => inner.awake(),
    close: () => inner.close(),
  };
}

export function wireOf(process: Process, inner: Wire): Wire {
  return {
    status: inner.status,
    meter: inner.meter,
    announce: (batch) => inner.announce(batch),
    onBatch: (hear) => inner.onBatch((batch) => process.gate(() => hear(batch))),
    onWake: (hear) => inner.onWake(() => process.gate(hear)),
    close: () => inner.close(),
  };
}
