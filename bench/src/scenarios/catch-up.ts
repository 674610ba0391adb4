/** How a node comes up on a log of many events that others stored: all of them to be folded, and with a checkpoint of the views. */
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { prolong } from "../long-log.ts";
import { forget, startBackbone, startNodes, type Backbone } from "../nodes-rig.ts";
import { median, possible } from "../statistics.ts";
import { type Table, figure } from "../table.ts";

const EVENTS = 10_000_000;
/** Symbols, and what is published before the database goes on by itself. */
const PERIOD = 1000;
/** Longer than the interval of checkpoints. */
const CHECKPOINT_MS = 12_000;
const KEEP = { BENCH_RETENTION: "30d / 200 GiB" };
const NO_CHECKPOINTS = { ...KEEP, BROADTAPE_LIMIT_CHECKPOINT_MS: "1000000" };

/** Of the kernel's clock, a second. */
const TICKS = 100;

interface Start {
  readonly seconds: number;
  /** Of the node's processor time until then. */
  readonly cpuSeconds: number;
  /** The most that the process ever held. */
  readonly peakBytes: number;
  readonly residentBytes: number;
}

/** `events`: fewer, to try it out. */
export async function catchUp(rounds: number, say: (line: string) => void, events = EVENTS): Promise<Table> {
  const backbone = await startBackbone({ hasStandby: false, hasNats: true });
  try {
    const empty = await measure(rounds, "an empty log", say, async () => {
      await forget(backbone);
      return start(backbone, NO_CHECKPOINTS, 0);
    });
    await forget(backbone);
    const first = await startNodes(1, backbone, NO_CHECKPOINTS);
    await first.fill(PERIOD, PERIOD);
    await first.stop();
    await prolong(backbone.databaseUrl, PERIOD, events);
    say(`catch-up: ${figure(events)} events are there`);
    const behind = await measure(rounds, "all to be folded", say, () => start(backbone, NO_CHECKPOINTS, events));
    const saving = await startNodes(1, backbone, KEEP);
    await wait(CHECKPOINT_MS);
    possible("offset of the checkpoint", await saving.metric(0, "broadtape_checkpoint_offset"), events, events);
    await saving.stop();
    const ahead = await measure(rounds, "checkpoint", say, () => start(backbone, NO_CHECKPOINTS, events));
    const foldSeconds = possible("seconds of folding", behind.seconds - empty.seconds, 0);
    const row = (name: string, { seconds, cpuSeconds, peakBytes, residentBytes }: Start, rate = "") => [
      name,
      figure(seconds),
      rate,
      figure(cpuSeconds),
      ...[peakBytes, residentBytes].map((bytes) => figure(bytes / 1024 / 1024)),
    ];
    return {
      title: `A node that starts ${figure(events)} events behind`,
      note: `300-byte prices of ${figure(PERIOD)} symbols in PostgreSQL on the same machine, read in pages and folded. From the start of the process until it is ready; the rate is without the start on an empty log. Median of ${rounds} rounds.`,
      head: ["log", "seconds", "events/s", "processor s of the node", "MB at most", "MB when ready"],
      rows: [
        row("empty", empty),
        row(`${figure(events)} events, all to be folded`, behind, figure(events / foldSeconds)),
        row(`${figure(events)} events, checkpoint`, ahead),
      ],
    };
  } finally {
    await backbone.remove();
  }
}

async function measure(rounds: number, what: string, say: (line: string) => void, once: () => Promise<Start>): Promise<Start> {
  const all: Start[] = [];
  for (let round = 1; round <= rounds; round++) {
    const one = await once();
    all.push(one);
    say(`catch-up, round ${round}: ${what} ${figure(one.seconds)} s, at most ${figure(one.peakBytes / 1024 / 1024)} MB`);
  }
  const at = (of: (one: Start) => number) => median(all.map(of));
  return {
    seconds: at(({ seconds }) => seconds),
    cpuSeconds: at(({ cpuSeconds }) => cpuSeconds),
    peakBytes: at(({ peakBytes }) => peakBytes),
    residentBytes: at(({ residentBytes }) => residentBytes),
  };
}

async function start(backbone: Backbone, env: Readonly<Record<string, string>>, head: number): Promise<Start> {
  const started = performance.now();
  const rig = await startNodes(1, backbone, env);
  try {
    const seconds = possible("seconds", (performance.now() - started) / 1000, 0);
    // Ready is who has folded everything, and nothing may have been taken by retention meanwhile.
    possible("head", await rig.metric(0, "broadtape_log_head_offset"), head, head);
    possible("events behind", await rig.metric(0, "broadtape_log_lag_events"), 0, 0);
    const [status, stat] = ["status", "stat"].map((file) => readFileSync(`/proc/${rig.pid(0)}/${file}`, "utf8"));
    // After the name in parentheses; user and system time are the 14th and 15th field, in ticks.
    const [user = NaN, system = NaN] =
      stat
        ?.slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .slice(11, 13)
        .map(Number) ?? [];
    const cpuSeconds = possible("processor seconds", (user + system) / TICKS, 0.1);
    const peakBytes = possible("peak bytes", Number(/^VmHWM:\s+(\d+) kB/m.exec(status ?? "")?.[1]) * 1024, 1);
    return { seconds, cpuSeconds, peakBytes, residentBytes: (await rig.memory(0)).residentBytes };
  } finally {
    await rig.stop();
  }
}
