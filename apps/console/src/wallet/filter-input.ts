/** What stands in the filter form, as the filters that the server is asked for: it says what it does not take. */
import type { TransactionFilters } from "@broadtape/protocol/products/transactions/filters";

export const FILTER_FIELDS = ["minAmount", "maxAmount", "status", "currency", "counterparty"] as const;

export type FilterField = (typeof FILTER_FIELDS)[number];
export type FilterInput = Readonly<Record<FilterField, string>>;

export const NO_INPUT: FilterInput = { minAmount: "", maxAmount: "", status: "", currency: "", counterparty: "" };

/** Empty fields are no filters; several statuses or currencies are separated by commas. */
export function filtersOf(input: FilterInput): TransactionFilters {
  const filters: TransactionFilters = {};
  for (const name of FILTER_FIELDS) {
    const text = input[name].trim();
    if (text === "") continue;
    if (name === "status" || name === "currency") filters[name] = wordsOf(text);
    else filters[name] = text;
  }
  return filters;
}

function wordsOf(text: string): string | string[] {
  const [first = "", ...others] = text.split(",").map((word) => word.trim());
  return others.length === 0 ? first : [first, ...others];
}
