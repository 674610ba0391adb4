/** Which transactions the server is to send. It alone judges what is asked for. */
import { type ReactElement, type SyntheticEvent, useRef, useState } from "react";
import { FeedError, type TransactionFeedClient } from "@broadtape/client/transactions";
import type { TransactionFilters } from "@broadtape/protocol/products/transactions/filters";
import { FILTER_FIELDS, type FilterField, type FilterInput, NO_INPUT, filtersOf } from "./filter-input.ts";
import styles from "./wallet.module.css";

interface Properties {
  readonly client: TransactionFeedClient;
  /** The server sends by these now. */
  readonly onApplied: (filters: TransactionFilters) => void;
}

const LABELS: Readonly<Record<FilterField, string>> = {
  minAmount: "Min amount",
  maxAmount: "Max amount",
  status: "Status",
  currency: "Currency",
  counterparty: "Counterparty",
};

export function FilterForm({ client, onApplied }: Properties): ReactElement {
  const [input, setInput] = useState(NO_INPUT);
  const [refusal, setRefusal] = useState<FeedError>();
  const [isAsking, setAsking] = useState(false);
  // Only the newest request's answer counts.
  const newest = useRef(0);

  const apply = (wanted: FilterInput) => {
    const own = ++newest.current;
    setAsking(true);
    setRefusal(undefined);
    void client
      .subscribe({ events: ["transaction"], filters: filtersOf(wanted) })
      .then(
        ({ filters }) => {
          if (own === newest.current) onApplied(filters);
        },
        (error: unknown) => {
          if (!(error instanceof FeedError)) throw error;
          if (own === newest.current) setRefusal(error);
        },
      )
      .finally(() => {
        if (own === newest.current) setAsking(false);
      });
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    apply(input);
  };
  const clear = () => {
    setInput(NO_INPUT);
    apply(NO_INPUT);
  };

  const faulty = fieldOf(refusal);
  return (
    <form className={styles.filters} onSubmit={submit} aria-label="Transaction filters">
      {FILTER_FIELDS.map((name) => (
        <label key={name}>
          {LABELS[name]}
          <input
            autoComplete="off"
            inputMode={name.endsWith("Amount") ? "decimal" : "text"}
            aria-invalid={faulty === name}
            {...(faulty === name && { "aria-describedby": "filter-refusal" })}
            value={input[name]}
            onChange={({ target }) => setInput({ ...input, [name]: target.value })}
          />
        </label>
      ))}
      <button type="submit" className={styles.primary} aria-busy={isAsking}>
        Filter
      </button>
      <button type="button" onClick={clear}>
        Clear
      </button>
      <div className={styles.refusal}>
        {refusal !== undefined && (
          <p role="alert" id="filter-refusal">
            {faulty === undefined ? refusal.message : `${LABELS[faulty]}: ${refusal.message}`}
          </p>
        )}
      </div>
    </form>
  );
}

/** The server's path: `filters.minAmount`, `filters.status.0`. */
function fieldOf(refusal: FeedError | undefined): FilterField | undefined {
  const name = refusal?.path?.split(".")[1];
  return FILTER_FIELDS.find((field) => field === name);
}
