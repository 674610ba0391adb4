/** How all nodes stand: each by itself, and what they come to together. */
import type { NodeState, OperationsSummary } from "@broadtape/protocol/operations";
import type { ClusterNode } from "../cluster/cluster.ts";
import { isoTime } from "../engine/clock.ts";
import type { Part, Parts } from "./asking.ts";
import type { Departed } from "./departed.ts";
import { combined } from "./history.ts";
import { known } from "./told.ts";

export function mergedSummary({ parts, silent }: Parts<OperationsSummary>, departed: Pick<Departed, "missing">): OperationsSummary {
  const [first] = parts;
  if (first === undefined) throw new Error("nobody answered, not even this node");
  const told = parts.map(({ answer }) => answer);
  const sum = (of: (each: OperationsSummary) => number) => told.reduce((total, each) => total + known(of(each)), 0);
  const running = parts.map(({ node, answer }) => ({ node, startedAt: Date.parse(answer.node.startedAt) }));
  const nodes = [
    ...parts.map((part) => stateOf(part, headOf(told))),
    ...silent.map((node) => unknownOf(node, "silent")),
    ...departed
      .missing([...running, ...silent.map((node) => ({ node, startedAt: -Infinity }))])
      .map(({ node, at }) => unknownOf(node, "gone", at)),
  ];
  return {
    node: first.answer.node,
    nodes: nodes.sort((a, b) => (a.name === b.name ? (a.id < b.id ? -1 : 1) : a.name < b.name ? -1 : 1)),
    log: logOf(told, first.answer),
    process: {
      eventLoop: Math.max(...told.map(({ process }) => known(process.eventLoop))),
      rssBytes: sum(({ process }) => process.rssBytes),
      heapUsedBytes: sum(({ process }) => process.heapUsedBytes),
      heapLimitBytes: sum(({ process }) => process.heapLimitBytes),
    },
    connections: {
      all: sum(({ connections }) => connections.all),
      users: sum(({ connections }) => connections.users),
      ofTenant: sum(({ connections }) => connections.ofTenant),
      bySurface: bySurface(told),
      paused: sum(({ connections }) => connections.paused),
      queuedBytes: sum(({ connections }) => connections.queuedBytes),
      heldValues: sum(({ connections }) => connections.heldValues),
    },
    topics: { all: sum(({ topics }) => topics.all), ofTenant: sum(({ topics }) => topics.ofTenant) },
    ringBytes: sum(({ ringBytes }) => ringBytes),
    counters: told.map(({ counters }) => counters).reduce((a, b) => combined(a, b, (one, other) => known(one) + known(other))),
    droppedByCode: totals(told.flatMap(({ droppedByCode }) => Object.entries(droppedByCode))),
  };
}

function headOf(told: readonly OperationsSummary[]): number {
  return Math.max(...told.map(({ log }) => known(log.headOffset)));
}

function stateOf({ node, answer }: Part<OperationsSummary>, head: number): NodeState {
  const { connections, process, topics, log } = answer;
  const { version, startedAt, uptimeMs, at, isReady, wire, clockOffsetMs } = answer.node;
  return {
    id: node.id,
    name: node.name,
    status: isReady ? "ready" : "not ready",
    goneAt: null,
    figures: {
      version,
      startedAt,
      uptimeMs,
      at,
      isReady,
      wire,
      clockOffsetMs,
      connections: connections.all,
      users: connections.users,
      paused: connections.paused,
      queuedBytes: connections.queuedBytes,
      topics: topics.all,
      eventLoop: process.eventLoop,
      rssBytes: process.rssBytes,
      heapUsedBytes: process.heapUsedBytes,
      routedTo: log.routedTo,
      lagEvents: head - log.routedTo,
    },
  };
}

function unknownOf({ id, name }: ClusterNode, status: "silent" | "gone", goneAt?: number): NodeState {
  return { id, name, status, goneAt: goneAt === undefined ? null : isoTime(goneAt), figures: null };
}

/** The head as the node knows it that knows the newest; what followers were told as it is on the node that is furthest behind. */
function logOf(told: readonly OperationsSummary[], own: OperationsSummary): OperationsSummary["log"] {
  const logs = told.map(({ log }) => log);
  const newest = logs.reduce((a, b) => (b.headOffset > known(a.headOffset) ? b : a));
  const routedTo = Math.min(...logs.map((log) => (Number.isNaN(log.routedTo) ? newest.headOffset : log.routedTo)));
  return {
    ...own.log,
    headOffset: newest.headOffset,
    headAt: newest.headAt,
    oldestOffset: Math.max(...logs.map(({ oldestOffset }) => known(oldestOffset))),
    routedTo,
    lagEvents: Math.max(0, newest.headOffset - routedTo),
    checkpointOffset: Math.max(...logs.map(({ checkpointOffset }) => known(checkpointOffset))),
  };
}

function bySurface(told: readonly OperationsSummary[]): OperationsSummary["connections"]["bySurface"] {
  const surfaces = new Map<string, { surface: string; all: number; ofTenant: number }>();
  for (const { surface, all, ofTenant } of told.flatMap(({ connections }) => connections.bySurface)) {
    const before = surfaces.get(surface);
    surfaces.set(surface, { surface, all: known(all) + (before?.all ?? 0), ofTenant: known(ofTenant) + (before?.ofTenant ?? 0) });
  }
  return [...surfaces.values()];
}

function totals(counts: readonly (readonly [string, number])[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const [name, count] of counts) all[name] = (all[name] ?? 0) + known(count);
  return all;
}
