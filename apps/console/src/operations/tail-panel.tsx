/** The log as it grows, filtered by the server. */
import { Fragment, type ReactElement, type SyntheticEvent, useMemo, useState, useSyncExternalStore } from "react";
import type { LoggedEvent } from "@broadtape/protocol/operations";
import { clockTime } from "../wallet/clock-time.ts";
import { LogTail, NO_FILTER, type TailFilter, tailAsker } from "./log-tail.ts";
import styles from "./operations.module.css";
import { Panel, Rows } from "./panel.tsx";
import { pageHost } from "./poll.ts";
import { FollowButton } from "./follow-button.tsx";

interface Properties {
  readonly authorized: typeof fetch;
  readonly onFollow: (id: string) => void;
}

const FIELDS: readonly (readonly [keyof TailFilter, string])[] = [
  ["type", "type or trading.*"],
  ["user", "user"],
  ["topic", "topic"],
  ["correlationId", "correlation id"],
];
const LABELS: Readonly<Record<keyof TailFilter, string>> = { type: "Type", user: "User", topic: "Topic", correlationId: "Correlation id" };
const ROW_CHARACTERS = 240;

export function TailPanel({ authorized, onFollow }: Properties): ReactElement {
  const [filter, setFilter] = useState(NO_FILTER);
  const tail = useMemo(() => new LogTail(pageHost, tailAsker(authorized), filter), [authorized, filter]);
  const live = useSyncExternalStore(tail.subscribe, tail.get);
  /** What is looked at while the list stands still. */
  const [held, setHeld] = useState<typeof live>();
  const shown = held ?? live;
  const events = shown.value ?? [];
  return (
    <Panel
      title="Log tail"
      area="tail"
      of={live}
      aside={
        <>
          <FilterForm
            onFilter={(next) => {
              setHeld(undefined);
              setFilter(next);
            }}
          />
          <button type="button" aria-pressed={held !== undefined} onClick={() => setHeld(held === undefined ? live : undefined)}>
            {held === undefined ? "Pause" : "Go on"}
          </button>
        </>
      }
    >
      <Rows label="Log tail" none={shown.value !== undefined && events.length === 0 ? "No such event yet." : undefined}>
        <table className={styles.tail}>
          <thead>
            <tr>
              <th scope="col">Stored</th>
              <th scope="col" className={styles.number}>
                Offset
              </th>
              <th scope="col">Type</th>
              <th scope="col">Topics</th>
              <th scope="col">Source</th>
              <th scope="col">Data</th>
            </tr>
          </thead>
          <tbody>
            {events.map((event) => (
              <Fragment key={event.eventId}>
                <EventRow event={event} onFollow={onFollow} />
                {shown.gaps.has(event.eventId) && (
                  <tr className={styles.gap}>
                    <td colSpan={6}>more came than is shown</td>
                  </tr>
                )}
              </Fragment>
            ))}
          </tbody>
        </table>
      </Rows>
    </Panel>
  );
}

function EventRow({ event, onFollow }: { readonly event: LoggedEvent; readonly onFollow: (id: string) => void }): ReactElement {
  const { eventId, offset, type, topics, source, storedAt, data } = event;
  // The digits are the publisher's: they were read as such.
  const text = useMemo(() => JSON.stringify(data), [data]);
  return (
    <tr data-event={eventId}>
      <td title={storedAt}>{clockTime(storedAt)}</td>
      <td className={styles.number}>
        <FollowButton id={eventId} onFollow={onFollow}>
          {offset}
        </FollowButton>
      </td>
      <td>{type}</td>
      <td>{topics.join(" ")}</td>
      <td>{source}</td>
      <td className={styles.data}>{text.slice(0, ROW_CHARACTERS)}</td>
    </tr>
  );
}

function FilterForm({ onFilter }: { readonly onFilter: (filter: TailFilter) => void }): ReactElement {
  const [input, setInput] = useState(NO_FILTER);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    onFilter(input);
  };
  return (
    <form className={styles.filters} onSubmit={submit} aria-label="Log filters">
      {FIELDS.map(([name, example]) => (
        <input
          key={name}
          className={styles.filter}
          aria-label={LABELS[name]}
          placeholder={example}
          autoComplete="off"
          spellCheck={false}
          value={input[name]}
          onChange={({ target }) => setInput({ ...input, [name]: target.value })}
        />
      ))}
      <button type="submit">Filter</button>
      <button
        type="button"
        onClick={() => {
          setInput(NO_FILTER);
          onFilter(NO_FILTER);
        }}
      >
        Clear
      </button>
    </form>
  );
}
