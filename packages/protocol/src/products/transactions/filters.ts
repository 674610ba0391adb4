/** Filters of transactions (contract 30-transactions, 70-details "filters"): they narrow `transaction` events alone. */
import { z } from "zod";
import { type Decimal, compareDecimals, toBig, toJsonNumber } from "../../money.ts";
import { decimal } from "../../schema.ts";
import { type Transaction, currency } from "./schema.ts";

const oneOrMore = <T extends z.ZodType<string>>(one: T) =>
  z.union([one, z.array(one).min(1).max(100)], { error: "must be a text, or a list of 1 to 100" });
const word = z.string().min(1).max(64);

const bounds = {
  /** Inclusive, as is `maxAmount`; 0 is a bound like any other. */
  minAmount: decimal.optional(),
  maxAmount: decimal.optional(),
  status: oneOrMore(word).optional(),
  currency: oneOrMore(currency).optional(),
  type: oneOrMore(word).optional(),
  /** Name or phone number, exactly. Not a list: names hold commas, and every surface reads the same. */
  counterparty: z.string().min(1).max(256).optional(),
};

export const FILTER_NAMES: readonly string[] = Object.keys(bounds);

export const filters = z
  .unknown()
  // Before the bounds are looked at, so that the unknown key itself is the path.
  .superRefine((value, context) => {
    if (typeof value !== "object" || value === null) return;
    for (const key of Object.keys(value)) {
      if (Object.hasOwn(bounds, key)) continue;
      context.addIssue({ code: "custom", path: [key], message: `must be one of ${FILTER_NAMES.join(", ")}` });
    }
  })
  .pipe(
    z
      .strictObject(bounds)
      .refine(
        ({ minAmount, maxAmount }) => minAmount === undefined || maxAmount === undefined || compareDecimals(minAmount, maxAmount) <= 0,
        {
          path: ["minAmount"],
          message: "must not be above maxAmount",
        },
      ),
  );

export type TransactionFilters = z.infer<typeof filters>;

/** What filters look at. */
export type Filterable = Pick<Transaction, "amount" | "currency" | "type" | "status" | "counterpartyName" | "counterpartyPhone">;

type Test = (transaction: Filterable) => boolean;

/** Made once for a subscription; asked for each of its transactions. */
export function compileTransactionFilters({ minAmount, maxAmount, status, currency, type, counterparty }: TransactionFilters): Test {
  const tests: Test[] = [];
  if (minAmount !== undefined) tests.push(amountIs((order) => order >= 0, minAmount));
  if (maxAmount !== undefined) tests.push(amountIs((order) => order <= 0, maxAmount));
  if (status !== undefined) tests.push(isOneOf("status", status));
  if (currency !== undefined) tests.push(isOneOf("currency", currency));
  if (type !== undefined) tests.push(isOneOf("type", type));
  if (counterparty !== undefined)
    tests.push(({ counterpartyName, counterpartyPhone }) => counterpartyName === counterparty || counterpartyPhone === counterparty);
  return (transaction) => tests.every((test) => test(transaction));
}

function amountIs(holds: (order: number) => boolean, bound: Decimal): Test {
  // As a plain number where it is one exactly: numbers of few digits are compared without big decimals.
  const plain = toJsonNumber(toBig(bound));
  return ({ amount }) => holds(compareDecimals(amount, plain));
}

function isOneOf(field: "status" | "currency" | "type", wanted: string | readonly string[]): Test {
  const all = new Set(typeof wanted === "string" ? [wanted] : wanted);
  return (transaction) => all.has(transaction[field]);
}
