/** What the page reads of an RFQ. */
import type { FollowedRfq } from "@broadtape/client/rfq";

export type Rfq = FollowedRfq["rfq"];
export type RfqStatus = Rfq["status"];
export type Quote = FollowedRfq["quotes"][number];
export type Composite = FollowedRfq["composite"];
/** A price or a quantity with the digits that were published. */
export type Decimal = Rfq["quantity"];

const FINAL: ReadonlySet<RfqStatus> = new Set(["filled", "expired", "cancelled"]);

/** Whether nothing comes after this status. */
export function isOver(status: RfqStatus | undefined): boolean {
  return status !== undefined && FINAL.has(status);
}
