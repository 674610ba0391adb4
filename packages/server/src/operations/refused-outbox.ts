/** Batches of the database's outbox that were refused, as operators see them: without what they held. */
import { parseJson } from "@broadtape/protocol/json";
import type { RefusedOutbox } from "@broadtape/protocol/operations";
import type { Intake, RefusedBatch } from "../intake/intake.ts";

const FAULTS = 5;
const NONE: RefusedOutbox = { exists: false, waiting: 0, waitingSeconds: 0, refused: [], next: null };

/** @param intake undefined where there is no outbox */
export async function refusedOutbox(
  intake: Pick<Intake, "refused" | "meter"> | undefined,
  tenant: string,
  { before, limit }: { readonly before: number | undefined; readonly limit: number },
): Promise<RefusedOutbox> {
  if (intake === undefined) return NONE;
  // One more shows whether there is another page.
  const found = await intake.refused({ tenant, before, limit: limit + 1 });
  const page = found.slice(0, limit);
  const { waiting, waitingSeconds } = intake.meter;
  return {
    exists: true,
    waiting,
    waitingSeconds,
    refused: page.map(listed),
    next: found.length > limit ? (page.at(-1)?.seq ?? null) : null,
  };
}

function listed({ seq, key, role, source, stagedAt, refusedAt, events, refusal }: RefusedBatch): RefusedOutbox["refused"][number] {
  const faults = refusal.errors ?? [];
  return {
    seq,
    key,
    role,
    source,
    stagedAt,
    refusedAt,
    events: countOf(events),
    statusCode: refusal.statusCode,
    reason: refusal.message,
    faults: faults.slice(0, FAULTS).map(({ index, path, message }) => ({ index, path, message })),
    more: Math.max(0, faults.length - FAULTS),
  };
}

/** What is refused may be nested deeper than can be read. */
function countOf(events: string): number | null {
  try {
    const list = parseJson(events);
    return Array.isArray(list) ? list.length : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
