/** A tiny payments service: what its four makings have in common. */

export interface Payment {
  readonly id: string;
  readonly userId: string;
  /** In decimals, as text: no binary float on the way. */
  readonly amount: string;
  readonly currency: string;
}

export interface Payments {
  /** Books the payment and publishes that it was made, both or neither. Rejects with {@link LimitExceeded}. */
  pay(payment: Payment): Promise<void>;
  close(): Promise<void>;
}

/** The user would have paid more than he may; nothing of it has happened. */
export class LimitExceeded extends Error {
  override readonly name = "LimitExceeded";
}

/** What all payments of a user come to at most. */
export const LIMIT = "1000.00";

export const TENANT = "acme";
export const SOURCE = "payments";

/** The service's own table. */
export const TABLE = `create table if not exists payments (
  id text primary key,
  user_id text not null,
  amount numeric(18, 2) not null,
  currency text not null,
  created_at timestamptz not null default now()
)`;

/** As text, which is how `json` comes into PostgreSQL with its digits. */
export function eventOf({ id, userId, amount, currency }: Payment): string {
  const transaction = { id, amount, currency, type: "PAYMENT", status: "COMPLETED", createdAt: new Date().toISOString() };
  return JSON.stringify({ type: "transaction.created", id: `payment-${id}`, subject: id, data: { userId, transaction } });
}
