/** The events of the signals' scene: the catalogue's, typed by it. */
import type { EventData, EventTypeName } from "@broadtape/protocol/catalogue";

type SignalEventType = Extract<EventTypeName, "alert.triggered" | "ai.decision" | "agent.status" | `strategy.${string}`>;

export type SignalEvent = { [T in SignalEventType]: { readonly type: T; readonly data: EventData<T> } }[SignalEventType];
