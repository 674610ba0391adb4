/** The newest events of some topics: where a reader has to begin who is to get only those. */
import type { Offset } from "@broadtape/protocol/event-id";
import type { Log } from "../log/log.ts";

export interface RecentHost {
  readonly log: Pick<Log, "read" | "bounds">;
}

export interface RecentRequest {
  readonly tenant: string;
  /** Names, not patterns. */
  readonly topics: readonly string[];
  /** None at or before it. */
  readonly after: Offset;
  readonly most: number;
  /** Milliseconds since the epoch: none that was stored before. */
  readonly since: number;
}

const FIRST_SPAN = 1000;
const WIDER = 8;
const PAGE_EVENTS = 1000;

/**
 * The place right before the oldest of the newest `most` events; undefined where there is none. Reads the log backwards in spans
 * that grow, so that it costs what there is to be found and not what retention holds.
 */
export async function beforeRecent({ log }: RecentHost, request: RecentRequest): Promise<Offset | undefined> {
  const { head, oldest } = log.bounds();
  const floor = Math.max(request.after, oldest - 1);
  const found: Offset[] = [];
  let until = head;
  for (let span = FIRST_SPAN; until > floor && found.length < request.most; span *= WIDER) {
    const after = Math.max(floor, until - span);
    const { offsets, reached } = await offsetsBetween(log, request, after, until);
    found.unshift(...offsets);
    if (reached) break;
    until = after;
  }
  const [first] = found.slice(-request.most);
  return first === undefined ? undefined : first - 1;
}

/** `reached`: what stands before this span is too old. */
async function offsetsBetween(log: RecentHost["log"], { tenant, topics, since, most }: RecentRequest, after: Offset, until: Offset) {
  const { events: edge } = await log.read({ after, until, limit: 1 });
  let offsets: Offset[] = [];
  for (let from = after, isWhole = false; !isWhole;) {
    const page = await log.read({ after: from, until, limit: PAGE_EVENTS, tenant, topics });
    offsets = [...offsets, ...page.events.filter(({ storedAt }) => storedAt >= since).map(({ offset }) => offset)].slice(-most);
    isWhole = page.complete || page.upTo <= from;
    from = page.upTo;
  }
  return { offsets, reached: (edge[0]?.storedAt ?? 0) < since };
}
