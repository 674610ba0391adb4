/** What can happen to a site, drawn by chance, several at once. */
import { availableParallelism, loadavg } from "node:os";
import { setTimeout as passed } from "node:timers/promises";
import type { TestNode } from "../../cluster.ts";
import type { Line } from "./line.ts";
import type { Random } from "./random.ts";
import type { Site } from "./site.ts";
import type { Troubles } from "./troubles.ts";

/** Ten seconds, and a busy machine. */
const END_MS = 15_000;

interface Fault {
  readonly what: string;
  /** What no other fault may have at the same time. */
  readonly needs: readonly string[];
  /** Undefined: all. */
  readonly nodes?: readonly string[];
  readonly isDeadly?: boolean;
  run(): Promise<void>;
}

type Kind = (random: Random, site: Site, onViolation: (what: string) => void) => Fault;

/** By name, so that a run can be of some of them. */
const KINDS: Readonly<Record<string, Kind>> = {
  kill(random, { cluster }) {
    const node = random.oneOf(cluster.nodes);
    const ms = random.between(200, 8000);
    return {
      what: `killed, away for ${round(ms)} ms`,
      needs: [node.name],
      nodes: [node.name],
      isDeadly: true,
      async run() {
        await node.kill("SIGKILL");
        await passed(ms);
        await untilStarted(node);
      },
    };
  },
  roll(random, { cluster }, onViolation) {
    const node = random.oneOf(cluster.nodes);
    const ms = random.between(0, 3000);
    return {
      what: `told to end, away for ${round(ms)} ms`,
      needs: [node.name],
      nodes: [node.name],
      isDeadly: true,
      async run() {
        const toldAt = performance.now();
        const code = await node.kill("SIGTERM");
        const tookMs = performance.now() - toldAt;
        // What a machine with no time for anybody can do in ten seconds says nothing.
        const isBusy = (loadavg()[0] ?? 0) > 3 * availableParallelism();
        if (code !== 0 && !isBusy) onViolation(`${node.name} was told to end and ended with ${String(code)}`);
        if (tookMs > END_MS && !isBusy) onViolation(`${node.name} was told to end and took ${round(tookMs)} ms`);
        await passed(ms);
        await untilStarted(node);
      },
    };
  },
  sleep(random, { cluster }) {
    const node = random.oneOf(cluster.nodes);
    const ms = random.is(0.5) ? random.between(500, 4000) : random.between(4000, 20_000);
    return {
      what: `asleep for ${round(ms)} ms`,
      needs: [node.name],
      nodes: [node.name],
      async run() {
        node.stop();
        await passed(ms);
        node.cont();
      },
    };
  },
  nats(random, { nats }) {
    const signal = random.oneOf(["SIGTERM", "SIGKILL"] as const);
    const ms = random.between(0, 8000);
    return {
      what: `nats-server ended with ${signal} for ${round(ms)} ms`,
      needs: ["nats"],
      async run() {
        await nats.kill(signal);
        await passed(ms);
        await nats.start();
      },
    };
  },
  natsSleep(random, { nats }) {
    const ms = random.between(300, 6000);
    return {
      what: `nats-server asleep for ${round(ms)} ms`,
      needs: ["nats"],
      async run() {
        nats.setRunning(false);
        await passed(ms);
        nats.setRunning(true);
      },
    };
  },
  natsLine: (random, { natsLines }) => ofLine(random, "NATS", natsLines, random.between(500, 10_000)),
  databaseLine: (random, { databaseLines }) => ofLine(random, "the database", databaseLines, random.between(500, 15_000)),
  databaseAway(random, { databaseLines, servicesLine }) {
    const state = random.oneOf(["refused", "silent", "deaf"] as const);
    const ms = random.between(500, 15_000);
    const lines = [...databaseLines.values(), servicesLine];
    return {
      what: `the database ${state} for ${round(ms)} ms`,
      needs: [...databaseLines.keys()].map((name) => `line ${name}`),
      run: () => whileLines(lines, state, ms),
    };
  },
  databaseCut: (_random, { databaseLines }) => ({
    what: "all connections to the database cut",
    needs: [],
    run() {
      for (const line of databaseLines.values()) line.cut();
      return passed(100);
    },
  }),
  databaseSlow(random, { databaseLines }) {
    const delayMs = random.between(5, 400);
    const ms = random.between(2000, 10_000);
    return {
      what: `the database slow by ${round(delayMs)} ms each way for ${round(ms)} ms`,
      needs: ["delay"],
      async run() {
        for (const line of databaseLines.values()) line.setDelay(delayMs);
        await passed(ms);
        for (const line of databaseLines.values()) line.setDelay(0);
      },
    };
  },
  databaseRestart(random, { database }) {
    const signal = random.oneOf(["SIGINT", "SIGQUIT", "SIGKILL"] as const);
    const ms = random.between(0, 6000);
    return { what: `PostgreSQL ended with ${signal} for ${round(ms)} ms`, needs: ["database"], run: () => database.restart(signal, ms) };
  },
  databaseBackend: (_random, { database }) => ({
    what: "a session of PostgreSQL killed",
    needs: ["database"],
    run: () => database.killBackend(),
  }),
  failOver(random, { database }) {
    const ms = random.between(0, 4000);
    return {
      what: `PostgreSQL crashed, its standby took over after ${round(ms)} ms`,
      needs: ["database"],
      run: () => database.failOver(ms),
    };
  },
  standby(random, { database }) {
    const ms = random.between(200, 6000);
    return { what: `the standby ended for ${round(ms)} ms, commits wait`, needs: ["database"], run: () => database.stopStandby(ms) };
  },
};

export const FAULTS: readonly string[] = Object.keys(KINDS);

export interface ChaosOptions {
  readonly site: Site;
  readonly random: Random;
  readonly troubles: Troubles;
  /** Of `FAULTS`. */
  readonly kinds: readonly string[];
  /** How many at the same time at most. */
  readonly atOnce: number;
  readonly isOver: () => boolean;
  readonly onFault: (what: string) => void;
  readonly onViolation: (what: string) => void;
}

/** Resolves when it is over and everything that was done is undone. */
export async function chaos(options: ChaosOptions): Promise<void> {
  const taken = new Set<string>();
  await Promise.all(Array.from({ length: options.atOnce }, () => oneAfterTheOther(options, options.random.fork(), taken)));
}

async function oneAfterTheOther(
  { site, troubles, kinds, isOver, onFault, onViolation }: ChaosOptions,
  random: Random,
  taken: Set<string>,
): Promise<void> {
  while (!isOver()) {
    await passed(random.is(0.3) ? random.between(0, 500) : random.between(500, 6000));
    const kind = KINDS[random.oneOf(kinds)];
    const fault = kind?.(random, site, onViolation);
    if (fault === undefined || isOver() || fault.needs.some((need) => taken.has(need))) continue;
    for (const need of fault.needs) taken.add(need);
    const about = `${fault.nodes?.join(",") ?? "all"}: ${fault.what}`;
    onFault(about);
    const end = troubles.begin(fault.what, fault.nodes, fault.isDeadly);
    try {
      await fault.run();
    } catch (error) {
      throw new Error(`${about}: cannot be done or undone`, { cause: error });
    } finally {
      end();
      for (const need of fault.needs) taken.delete(need);
    }
  }
}

/** A node that finds no database says so and ends: whoever runs it starts it again. */
export async function untilStarted(node: TestNode): Promise<void> {
  for (const deadline = Date.now() + 90_000; !node.isRunning;) {
    try {
      await node.start();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await passed(300);
    }
  }
}

function ofLine(random: Random, to: string, lines: ReadonlyMap<string, Line>, ms: number): Fault {
  const name = random.oneOf([...lines.keys()]);
  const state = random.oneOf(["refused", "silent", "deaf"] as const);
  const line = lines.get(name);
  return {
    what: `its line to ${to} ${state} for ${round(ms)} ms`,
    needs: [to === "NATS" ? `nats ${name}` : `line ${name}`],
    nodes: [name],
    run: () => whileLines(line === undefined ? [] : [line], state, ms),
  };
}

async function whileLines(lines: readonly Line[], state: "refused" | "silent" | "deaf", ms: number): Promise<void> {
  for (const line of lines) line.setState(state);
  await passed(ms);
  for (const line of lines) line.setState("open");
}

const round = (ms: number) => Math.round(ms);
