/** Whether nodes hold the same views. They are asked for an offset that all of them have still to reach, or stand at. */
import type { Offset } from "@broadtape/protocol/event-id";
import type { ViewsComparison, ViewsState } from "@broadtape/protocol/operations";
import type { ClusterNode } from "../cluster/cluster.ts";
import type { Clock } from "../engine/clock.ts";
import { type Part, type Parts } from "./asking.ts";
import { unansweredOf } from "./merged.ts";

export interface ViewsQuery {
  readonly from: Offset;
  readonly waitMs: number;
}

interface Host {
  readonly clock: Clock;
  /** Of the own node. */
  readonly routedTo: Offset;
}

type Ask = (query: ViewsQuery, among: readonly ClusterNode[] | undefined) => Promise<Parts<ViewsState>>;

/** At rest the first is enough. */
const ROUNDS = 4;
const WAIT_MS = 1000;
/** How far ahead an offset is asked for, in time: until then the question has reached all nodes. Longer each round. */
const AHEAD_MS = 250;

export async function comparedViews(host: Host, ask: Ask): Promise<ViewsComparison> {
  const beganAt = host.clock.monotonic();
  const before = host.routedTo;
  const first = understood(await ask({ from: before, waitMs: 0 }, undefined));
  let { parts } = first;
  for (let round = 1; round < ROUNDS && !isLevel(parts); round++) {
    const tookMs = Math.max(1, host.clock.monotonic() - beganAt);
    const newest = Math.max(host.routedTo, ...parts.map(({ answer }) => answer.offset));
    const perMs = (newest - before) / tookMs;
    // Measured from the first question, so that a short pause does not look like rest.
    const from = newest + Math.ceil(perMs * AHEAD_MS * round);
    const among = parts.map(({ node }) => node);
    ({ parts } = understood(await ask({ from, waitMs: WAIT_MS * round }, among)));
  }
  return compared({ parts, silent: first.silent });
}

/** What a node of another release tells otherwise is not compared. */
function understood({ parts, silent }: Parts<ViewsState>): Parts<ViewsState> {
  const isState = ({ answer }: Part<ViewsState>) => Number.isSafeInteger(answer.offset) && Object.hasOwn(answer, "views");
  return { parts: parts.filter(isState), silent: [...silent, ...parts.filter((part) => !isState(part)).map(({ node }) => node)] };
}

function isLevel(parts: readonly Part<ViewsState>[]): boolean {
  return new Set(parts.map(({ answer }) => answer.offset)).size <= 1;
}

export function compared({ parts, silent }: Parts<ViewsState>): ViewsComparison {
  const groups = Map.groupBy(parts, ({ answer: { offset, folds } }) => `${offset} ${folds}`);
  const agreeing = new Map<ClusterNode, boolean | null>();
  let differs = false;
  for (const group of groups.values()) {
    const alike = Map.groupBy(group, ({ answer: { views } }) => textOf(views));
    const most = Math.max(...[...alike.values()].map(({ length }) => length));
    if (alike.size > 1) differs = true;
    for (const same of alike.values()) {
      const agrees = group.length === 1 && parts.length > 1 ? null : alike.size === 1 || (same.length === most && most * 2 > group.length);
      for (const { node } of same) agreeing.set(node, agrees);
    }
  }
  return {
    agree: differs ? false : groups.size === 1 ? true : null,
    offset: isLevel(parts) ? (parts[0]?.answer.offset ?? null) : null,
    nodes: parts.map(({ node, answer }) => ({ id: node.id, name: node.name, ...answer, agrees: agreeing.get(node) ?? null })),
    ...unansweredOf({ silent }),
  };
}

function textOf(views: ViewsState["views"]): string {
  const all = Object.entries(views).map(([name, { entities, checksum }]) => [name, entities, checksum] as const);
  return JSON.stringify(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}
