/** append → apply to views → route: what happens to events once they are durable, in log order. */
import type { StoredEvent } from "@broadtape/protocol/event";
import type { DomainEvent, Product, Telling } from "./product.ts";
import { Message } from "./message.ts";
import type { Topics } from "./topics.ts";
import type { Turn } from "./turn.ts";
import type { Views } from "./views.ts";

/** A durable event, parsed, and who owns its type. */
export interface Applied {
  readonly product: Product;
  readonly stored: StoredEvent;
  readonly event: DomainEvent;
  readonly receivedAt: number;
}

export interface RouteHost {
  readonly views: Views;
  readonly topics: Topics;
  readonly turn: Turn;
  eventIdOf(offset: number, storedAt: number): string;
}

/**
 * Folds a publish batch into the views, event by event, and returns what its followers are to be told; nobody is told
 * before all of it is folded. Values of the conflated class are taken right after their own event.
 */
export function apply(host: RouteHost, batch: readonly Applied[]): readonly Message[] {
  const messages: Message[] = [];
  for (const applied of batch) {
    const { product, event } = applied;
    host.views.fold(product, event);
    for (const telling of product.tell?.(event) ?? []) messages.push(messageOf(host, applied, telling, undefined));
    for (const telling of product.tellNewest?.(event, host.views) ?? []) messages.push(messageOf(host, applied, telling, telling.key));
  }
  return messages;
}

/** What lossless followers were told of an event: told again the same at any time. */
export function retell(host: Pick<RouteHost, "eventIdOf">, product: Product, event: DomainEvent, stored: StoredEvent): Message[] {
  const applied = { product, stored, event, receivedAt: 0 };
  return (product.tell?.(event) ?? []).map((telling) => messageOf(host, applied, telling, undefined));
}

/** Puts messages into the outboxes of their topics' followers. */
export function route(host: RouteHost, messages: readonly Message[]): void {
  for (const message of messages) {
    const followers = host.topics.followers(message.tenant, message.topic);
    if (followers === undefined) continue;
    for (const subscription of followers) subscription.session.outbox.deliver(subscription, message);
    host.turn.measure(message);
  }
}

function messageOf(host: Pick<RouteHost, "eventIdOf">, applied: Applied, telling: Telling, key: string | undefined): Message {
  const { stored } = applied;
  return new Message({
    tenant: stored.tenant,
    topic: telling.topic,
    event: telling.event,
    data: telling.data,
    offset: stored.offset,
    batch: stored.batch,
    eventId: host.eventIdOf(stored.offset, stored.storedAt),
    time: stored.time,
    correlationId: stored.correlationId,
    key,
    receivedAt: applied.receivedAt,
    storedAt: stored.storedAt,
  });
}
