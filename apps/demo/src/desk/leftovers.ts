/** RFQs that an earlier start of the demo left open: killed, it could not end them, and nobody else will. */
import { msOf } from "@broadtape/protocol/products/rfq/schema";
import { isFinal } from "@broadtape/protocol/products/rfq/state";
import type { Trader as TraderView } from "@broadtape/protocol/products/rfq/traders";
import type { DeskEvent } from "./events.ts";
import { RFQ_PREFIX } from "./ids.ts";
import type { Trader } from "./rfq-on-desk.ts";

export interface LeftoversOptions {
  readonly url: string;
  /** By tenant: what may read the feeds of all its traders. */
  readonly tokens: ReadonlyMap<string, string>;
  readonly traders: readonly Trader[];
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly write: (tenant: string, rfqId: string, events: readonly DeskEvent[]) => Promise<unknown>;
}

/** Ends what stands open in the traders' lists; leaves alone what is not this desk's. Rejects where a list cannot be read. */
export async function endLeftovers({ url, tokens, traders, fetch, now, write }: LeftoversOptions): Promise<void> {
  for (const { userId, tenant } of traders) {
    const token = tokens.get(tenant);
    if (token === undefined) throw new Error(`the RFQs of ${userId} cannot be read: there is no token of ${tenant}`);
    const answer = await fetch(`${url}/api/v1/topics/trader:${encodeURIComponent(userId)}/snapshot`, {
      headers: { authorization: `Bearer ${token}` },
    });
    if (!answer.ok) throw new Error(`the RFQs of ${userId} cannot be read: ${answer.status} ${await answer.text()}`);
    const { state } = (await answer.json()) as { state: TraderView | null };
    const open = (state?.rfqs ?? []).filter(({ id, status }) => id.startsWith(RFQ_PREFIX) && !isFinal(status));
    await Promise.all(open.map(({ id, expiresAt }) => write(tenant, id, [endOf(id, msOf(expiresAt) <= now())])));
  }
}

function endOf(rfqId: string, isTimeUp: boolean): DeskEvent {
  return isTimeUp
    ? { type: "rfq.expired", data: { rfqId } }
    : { type: "rfq.cancelled", data: { rfqId, reason: "the desk was started again" } };
}
