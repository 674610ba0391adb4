/** The events that the bank publishes: the catalogue's, typed by it. */
import type { EventData, EventTypeName } from "@broadtape/protocol/catalogue";

type BankEventType = Extract<EventTypeName, `transaction.${string}` | `wallet.${string}` | `fraud.${string}`>;

export type BankEvent = { [T in BankEventType]: { readonly type: T; readonly data: EventData<T> } }[BankEventType];
