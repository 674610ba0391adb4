/** RFQs in a component (contract 20-rfq "React"). */
import { useMemo, useSyncExternalStore } from "react";
import type { FollowedRfq, RfqStreamingClient } from "@broadtape/client/rfq";
import { perFrame } from "./use-topic.ts";

export interface RfqShown {
  readonly state: FollowedRfq | undefined;
  /** Whole seconds; undefined while the RFQ is not known. */
  readonly timeRemaining: number | undefined;
  readonly status: FollowedRfq["rfq"]["status"] | undefined;
}

const nothing = () => undefined;

/** An RFQ as it stands; followed while the component is there. Repaints at most once a frame. */
export function useRfq(client: RfqStreamingClient, rfqId: string): RfqShown {
  const store = useMemo(() => perFrame(client.rfq(rfqId)), [client, rfqId]);
  const state = useSyncExternalStore(store.subscribe, store.get, nothing) ?? undefined;
  return useMemo(() => ({ state, timeRemaining: state?.rfq.timeRemaining, status: state?.rfq.status }), [state]);
}

type TraderRfqs = NonNullable<ReturnType<ReturnType<RfqStreamingClient["trader"]>["get"]>>["rfqs"];
const NONE: TraderRfqs = [];

/** A trader's RFQs, oldest first; one's own by default. */
export function useTraderRfqs(client: RfqStreamingClient, traderId?: string): TraderRfqs {
  const store = useMemo(() => perFrame(client.trader(traderId)), [client, traderId]);
  return useSyncExternalStore(store.subscribe, store.get, nothing)?.rfqs ?? NONE;
}
