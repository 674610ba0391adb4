/** What of the money feed a client wants: kinds of events, and filters for its transactions (contract 30-transactions). */
import { z } from "zod";
import { Refusal } from "../../errors.ts";
import { type FeedEvent, FEED_EVENTS, events } from "./events.ts";
import { FILTER_NAMES, type TransactionFilters, filters } from "./filters.ts";

export const subscriptionRequest = z.looseObject({ events: events.nullish(), filters: filters.nullish() });

/** As a client asks for it; without `events`, transactions and balances. */
export interface SubscriptionRequest {
  readonly events?: readonly FeedEvent[] | null | undefined;
  readonly filters?: TransactionFilters | null | undefined;
}

/** As it stands: told in `subscribed`, kept for clients that name themselves. */
export interface FeedSubscription {
  /** In the order of {@link FEED_EVENTS}. */
  readonly events: readonly FeedEvent[];
  readonly filters: TransactionFilters;
}

const DEFAULT_EVENTS: readonly FeedEvent[] = ["transaction", "balance"];

/** A connection has one subscription: a second request adds events and replaces the filters. */
export function subscribed(before: FeedSubscription | undefined, request: SubscriptionRequest): FeedSubscription {
  const wanted = new Set([...(before?.events ?? []), ...(request.events ?? DEFAULT_EVENTS)]);
  return { events: FEED_EVENTS.filter((event) => wanted.has(event)), filters: request.filters ?? {} };
}

export function unsubscribed(before: FeedSubscription, ended: readonly FeedEvent[]): FeedSubscription {
  return { ...before, events: before.events.filter((event) => !ended.includes(event)) };
}

const LISTS: ReadonlySet<string> = new Set(["events", "status", "currency", "type"]);

/**
 * The request that stands in a query string: `?events=transaction,balance&minAmount=0&status=SUCCESS,FAILED`. Lists are
 * separated by commas, or their parameter is repeated; an empty parameter is none. Other parameters are somebody else's.
 * Throws BAD_REQUEST with the parameter for its path.
 */
export function subscriptionOfQuery(query: URLSearchParams): SubscriptionRequest {
  const wanted = read(query, "events");
  const bounds = FILTER_NAMES.flatMap((name) => {
    const value = read(query, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const result = subscriptionRequest.safeParse({ events: wanted, ...(bounds.length > 0 && { filters: Object.fromEntries(bounds) }) });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const [root, ...path] = issue?.path ?? [];
  throw new Refusal("BAD_REQUEST", issue?.message ?? "the query is not valid", { path: String(root === "filters" ? path[0] : root) });
}

function read(query: URLSearchParams, name: string): string | string[] | undefined {
  const given = query.getAll(name).filter((value) => value !== "");
  if (!LISTS.has(name)) {
    if (given.length > 1) throw new Refusal("BAD_REQUEST", "stands twice in the query", { path: name });
    return given[0];
  }
  const items = given
    .join(",")
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean);
  return items.length === 0 ? undefined : items;
}
