/** The money feed (contract 30-transactions): each user's transactions, wallets and fraud alerts, for that user alone. */
import { catalogue } from "@broadtape/protocol/catalogue";
import { Refusal } from "@broadtape/protocol/errors";
import { ledgerId } from "@broadtape/protocol/event-id";
import { parseJson } from "@broadtape/protocol/json";
import { type FeedEvent, feedEventOf } from "@broadtape/protocol/products/transactions/events";
import { compileTransactionFilters, filters as filterSchema } from "@broadtape/protocol/products/transactions/filters";
import { redact } from "@broadtape/protocol/redact";
import type { TransactionData } from "@broadtape/protocol/products/transactions/schema";
import { type Wallets, foldWallets } from "@broadtape/protocol/products/transactions/wallets";
import type { Message } from "../../engine/message.ts";
import { ofOneUser } from "../../engine/of-one-user.ts";
import type { DomainEvent, Product, TopicKind, View } from "../../engine/product.ts";

export type MoneyEvent = DomainEvent & { readonly data: { readonly userId: string } };

export const wallets: View<Wallets, MoneyEvent> = {
  name: "wallets",
  version: 1,
  entityOf: ({ type, data }) => (TOPIC_OF[feedEventOf(type) ?? "transaction"] === "wallets" ? data.userId : undefined),
  fold: (state, event) => foldWallets(state, event),
};

/** Of what has no state: its past is in the log, and is read as history. */
const nothing: View<never, MoneyEvent> = {
  name: "money-without-state",
  version: 1,
  entityOf: () => undefined,
  fold: () => undefined,
};

/** Where each kind of event is told. */
const TOPIC_OF: Readonly<Record<FeedEvent, "transactions" | "wallets" | "fraud">> = {
  transaction: "transactions",
  balance: "wallets",
  wallet: "wallets",
  fraud: "fraud",
};

export function topicOf(event: FeedEvent, userId: string): string {
  return `${TOPIC_OF[event]}:${userId}`;
}

const transactionsTopic: TopicKind = {
  ...ofOneUser,
  lossless: true,
  kind: "transactions",
  view: nothing,
  render: () => "null",
  filter(filters) {
    const result = filterSchema.safeParse(filters);
    if (result.success) return transactionTest(compileTransactionFilters(result.data));
    const [issue] = result.error.issues;
    throw new Refusal("BAD_REQUEST", issue?.message ?? "must be filters", { path: ["filters", ...(issue?.path ?? [])].join(".") });
  },
};

const walletsTopic: TopicKind<Wallets> = {
  ...ofOneUser,
  lossless: true,
  kind: "wallets",
  view: wallets,
  render: (state) => JSON.stringify(state),
};

const fraudTopic: TopicKind = { ...ofOneUser, lossless: true, kind: "fraud", view: nothing, render: () => "null" };

/** Each message is read once, however many filters look at it. */
const read = new WeakMap<Message, TransactionData["transaction"]>();

export function transactionTest(test: ReturnType<typeof compileTransactionFilters>): (message: Message) => boolean {
  return (message) => {
    let transaction = read.get(message);
    if (transaction === undefined) {
      ({ transaction } = parseJson(message.data) as TransactionData);
      read.set(message, transaction);
    }
    return test(transaction);
  };
}

export const transactionsProduct: Product<MoneyEvent> = {
  name: "transactions",
  types: {
    "transaction.created": catalogue["transaction.created"],
    "transaction.updated": catalogue["transaction.updated"],
    "transaction.completed": catalogue["transaction.completed"],
    "wallet.balance": catalogue["wallet.balance"],
    "wallet.changed": catalogue["wallet.changed"],
    "fraud.alert": catalogue["fraud.alert"],
  },
  views: [wallets, nothing],
  topics: [transactionsTopic, walletsTopic, fraudTopic] as readonly TopicKind[],
  spellEventId: ledgerId,
  topicsOf: (event) => [topicOfEvent(event)],
  tell: (event) => {
    const shown = redact(event.data);
    return [{ topic: topicOfEvent(event), event: event.type, data: shown === event.data ? event.text : JSON.stringify(shown) }];
  },
};

function topicOfEvent({ type, data: { userId } }: MoneyEvent): string {
  const event = feedEventOf(type);
  if (event === undefined) throw new Error(`${type} is none of this product's`);
  return topicOf(event, userId);
}
