/** The events that the desk publishes: the catalogue's, typed by it. */
import type { EventData, EventTypeName } from "@broadtape/protocol/catalogue";

type RfqEventType = Extract<EventTypeName, `rfq.${string}` | `quote.${string}` | `quotes.${string}`>;

export type DeskEvent = { [T in RfqEventType]: { readonly type: T; readonly data: EventData<T> } }[RfqEventType];
