/** RFQs folded by the code that the server's views use. */
import type { EventMessage } from "@broadtape/protocol/native";
import { COUNTDOWN, type RfqSnapshot, rfqOf, rfqSnapshotOf } from "@broadtape/protocol/products/rfq/messages";
import { foldRfq } from "@broadtape/protocol/products/rfq/state";
import { type Trader, foldTrader } from "@broadtape/protocol/products/rfq/traders";
import type { Folds } from "../folds.ts";

/** An RFQ as the native protocol shows it, with the id of the event that made it so. */
export type FollowedRfq = RfqSnapshot & { readonly eventId: string };

/** For `new Broadtape({ folds: RFQ_FOLDS })`, where other products share the connection. */
export const RFQ_FOLDS: Folds = {
  rfq: (state, event) => foldSnapshot(state as FollowedRfq | undefined, event),
  trader: (state, { event, data, eventId }) => ({
    // The server checked the data against the event's schema.
    ...foldTrader(state as Trader | undefined, { type: event, data: data as { readonly rfqId: string } }),
    eventId,
  }),
};

function foldSnapshot(state: FollowedRfq | undefined, { event, data, eventId }: EventMessage): FollowedRfq | undefined {
  if (state === undefined) return state;
  if (event === COUNTDOWN) {
    const { timeRemaining, expiresAt } = data as { readonly timeRemaining: number; readonly expiresAt: string };
    return { ...state, rfq: { ...state.rfq, timeRemaining, expiresAt } };
  }
  const rfq = foldRfq(rfqOf(state), { type: event, data });
  return rfq === undefined ? undefined : { ...rfqSnapshotOf(rfq, serverTimeOf(eventId)), eventId: eventId ?? state.eventId };
}

/** The server's clock when it stored an event stands in the event's id. */
export function serverTimeOf(eventId: string | undefined): number {
  return Number(eventId?.split("-")[0]);
}
