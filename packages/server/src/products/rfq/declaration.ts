/** RFQ streaming (contract 20-rfq): requests for quotes through their lifecycle, folded, ranked and counted down. */
import { catalogue } from "@broadtape/protocol/catalogue";
import type { Identity } from "@broadtape/protocol/identity";
import { USER_ID } from "@broadtape/protocol/ids";
import { COUNTDOWN, rfqSnapshotOf } from "@broadtape/protocol/products/rfq/messages";
import { RFQ_ID, msOf } from "@broadtape/protocol/products/rfq/schema";
import { type Rfq, STATUS_OF, foldRfq, isFinal, mayBecome, secondsLeft } from "@broadtape/protocol/products/rfq/state";
import { type Trader, foldTrader } from "@broadtape/protocol/products/rfq/traders";
import type { Completion, DomainEvent, DraftEvent, Entry, Fault, Product, States, Ticking, TopicKind, View } from "../../engine/product.ts";

/** Every RFQ event as it is stored: completed at admission with what the RFQ's first event said. */
export type RfqDomainEvent = DomainEvent & {
  readonly data: { readonly rfqId: string; readonly traderId: string; readonly symbol: string; readonly [field: string]: unknown };
};

/** What the trader's feed is told of; quotes are told to those who follow the RFQ. */
const OF_TRADER: ReadonlySet<string> = new Set([
  "rfq.created",
  "rfq.validated",
  "rfq.distributed",
  "rfq.quoted",
  "rfq.filled",
  "rfq.expired",
  "rfq.cancelled",
  "rfq.extended",
]);

const rfqs: View<Rfq, RfqDomainEvent> = {
  name: "rfqs",
  version: 1,
  entityOf: (event) => event.data.rfqId,
  fold: (state, event) => foldRfq(state, event),
  isOver: ({ status }) => isFinal(status),
};

const traders: View<Trader, RfqDomainEvent> = {
  name: "traders",
  version: 1,
  entityOf: (event) => (OF_TRADER.has(event.type) ? event.data.traderId : undefined),
  fold: (state, event) => foldTrader(state, event),
};

/** Asked for every second of every RFQ that is followed. */
const ends = new WeakMap<Rfq, number>();
function endOf(rfq: Rfq): number {
  let end = ends.get(rfq);
  if (end === undefined) ends.set(rfq, (end = msOf(rfq.expiresAt)));
  return end;
}

/** Quotes may come. */
const isOpen = ({ status }: Rfq): boolean => status === "distributed" || status === "quoted";

/** Each whole second that is left, while quotes may come: told when it begins, the last one when time is up. */
const countdown: Ticking<Rfq> = {
  dueAfter(rfq, now) {
    if (!isOpen(rfq)) return undefined;
    const end = endOf(rfq);
    return now >= end ? undefined : end - (Math.ceil((end - now) / 1000) - 1) * 1000;
  },
  tell(rfq, at) {
    if (!isOpen(rfq)) return undefined;
    const end = endOf(rfq);
    const timeRemaining = secondsLeft(end, at);
    // Zero is told once: when time is up, not while the last second runs.
    if (timeRemaining === 0 && at < end) return undefined;
    return { event: COUNTDOWN, data: `{"rfqId":"${rfq.id}","timeRemaining":${timeRemaining},"expiresAt":"${rfq.expiresAt}"}` };
  },
};

const rfqTopic: TopicKind<Rfq> = {
  kind: "rfq",
  lossless: true,
  param: (written) => (RFQ_ID.test(written) ? written : undefined),
  mayFollow(identity, rfqId, states) {
    const rfq = states.entry(rfqs, identity.tenant, rfqId)?.state;
    return rfq !== undefined && maySee(identity, rfq.traderId);
  },
  view: rfqs,
  entity: (rfqId) => rfqId,
  render: (rfq, now) => JSON.stringify(rfqSnapshotOf(rfq, now)),
  ticking: countdown,
  filterable: ["rfqId", "quoteId", "lpId", "status", "bidPrice", "askPrice"],
};

const traderTopic: TopicKind<Trader> = {
  kind: "trader",
  lossless: true,
  param: (written, { userId }) => (written === "me" ? userId : USER_ID.test(written) ? written : undefined),
  mayFollow: (identity, traderId) => maySee(identity, traderId),
  view: traders,
  entity: (traderId) => traderId,
  render: ({ rfqs: all }) => JSON.stringify({ rfqs: all }),
  filterable: ["rfqId", "symbol", "side", "quantity"],
};

/** The RFQ's own trader, who reads the team's and has the trader in it, who reads the tenant's (contract 00-common "Identity"). */
function maySee({ userId, team, permissions }: Identity, traderId: string): boolean {
  return userId === traderId || permissions.has("rfq:read:tenant") || (permissions.has("rfq:read:team") && team.has(traderId));
}

export const rfqProduct: Product<RfqDomainEvent> = {
  name: "rfq",
  types: {
    "rfq.created": catalogue["rfq.created"],
    "rfq.validated": catalogue["rfq.validated"],
    "rfq.distributed": catalogue["rfq.distributed"],
    "quote.received": catalogue["quote.received"],
    "quotes.ranked": catalogue["quotes.ranked"],
    "quote.expired": catalogue["quote.expired"],
    "rfq.quoted": catalogue["rfq.quoted"],
    "rfq.filled": catalogue["rfq.filled"],
    "rfq.expired": catalogue["rfq.expired"],
    "rfq.cancelled": catalogue["rfq.cancelled"],
    "rfq.extended": catalogue["rfq.extended"],
  },
  views: [rfqs, traders],
  topics: [rfqTopic, traderTopic] as readonly TopicKind[],
  admitsBy: ({ data }) => [`rfq:${(data as { rfqId: string }).rfqId}`],
  admit: (event, states) => admit(event, states),
  topicsOf: ({ type, data: { rfqId, traderId } }) => [`rfq:${rfqId}`, ...(OF_TRADER.has(type) ? [`trader:${traderId}`] : [])],
  tell: ({ type, data: { rfqId, traderId }, text }) => [
    { topic: `rfq:${rfqId}`, event: type, data: text },
    ...(OF_TRADER.has(type) ? [{ topic: `trader:${traderId}`, event: type, data: text }] : []),
  ],
};

/** The lifecycle (contract 70-details "RFQ lifecycle"): the log must make sense on its own. */
function admit({ type, data, tenant }: DraftEvent, states: Pick<States, "entry">): Fault | Completion | undefined {
  const { rfqId } = data as { rfqId: string };
  const entry = states.entry(rfqs, tenant, rfqId);
  if (type === "rfq.created") return entry === undefined ? undefined : contradiction(entry, `RFQ ${rfqId} was created before`);
  if (entry === undefined) return { path: "data.rfqId", message: `there is no RFQ ${rfqId}` };
  const { status, traderId, symbol, quotes } = entry.state;
  if (isFinal(status)) return contradiction(entry, `RFQ ${rfqId} is ${status}`);
  const next = STATUS_OF[type];
  if (next !== undefined && !mayBecome(status, next)) return contradiction(entry, `RFQ ${rfqId} is ${status}, which is after ${next}`);
  if (type === "quote.expired") {
    const { quoteId } = data as { quoteId: string };
    if (!quotes.some(({ id }) => id === quoteId))
      return { ...contradiction(entry, `RFQ ${rfqId} has no quote ${quoteId}`), path: "data.quoteId" };
  }
  return { data: { ...(data as object), traderId, symbol } };
}

function contradiction({ offset }: Entry<Rfq>, message: string): Fault {
  // An offset of 0: the state was made by an event of the same batch.
  return offset === 0 ? { path: "data.rfqId", message } : { path: "data.rfqId", message: `${message} (offset ${offset})`, offset };
}
