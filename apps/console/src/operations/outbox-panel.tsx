/** Batches that services staged in their own database transactions: what waits for the log, and what was refused there and why. */
import { type ReactElement, useState } from "react";
import type { RefusedOutbox } from "@broadtape/protocol/operations";
import { clockTime } from "../wallet/clock-time.ts";
import { countText, spanText } from "./figures.ts";
import styles from "./operations.module.css";
import { ListRows, Panel } from "./panel.tsx";
import { usePoll } from "./use-poll.ts";

const EVERY_MS = 5000;
const PAGE = 50;
/** The server counts no further. */
const MOST_COUNTED = 10_000;
/** Longer than any commit takes: nobody moves them. */
const LONG_SECONDS = 10;
const HEADS = ["Refused", "Staged", "Role", "Source", "Events", "Status", "Why", "Batch", "Correlation"];

type Batch = RefusedOutbox["refused"][number];

/** Nothing where there is no outbox: the server has no database that services share. */
export function OutboxPanel({ authorized }: { readonly authorized: typeof fetch }): ReactElement | null {
  // The batch before which the page begins; the newest without it.
  const [before, setBefore] = useState<number>();
  const from = before === undefined ? "" : `&before=${before}`;
  const polled = usePoll<RefusedOutbox>(authorized, `api/v1/operations/outbox?limit=${PAGE}${from}`, EVERY_MS);
  const { value } = polled;
  const next = value?.next ?? undefined;
  if (value?.exists === false) return null;
  return (
    <Panel
      title="Outbox"
      area="outbox"
      of={polled}
      aside={
        <>
          {value !== undefined && <Waiting outbox={value} />}
          {before !== undefined && (
            <button type="button" onClick={() => setBefore(undefined)}>
              Newest
            </button>
          )}
          {next !== undefined && (
            <button type="button" onClick={() => setBefore(next)}>
              Older
            </button>
          )}
        </>
      }
    >
      <ListRows
        label="Refused batches of the outbox"
        heads={HEADS}
        none={value?.refused.length === 0 ? "No batch was refused." : undefined}
      >
        {(value?.refused ?? []).map((batch) => (
          <BatchRow key={batch.seq} batch={batch} />
        ))}
      </ListRows>
    </Panel>
  );
}

/** What of all tenants is on its way. */
export function Waiting({ outbox: { waiting, waitingSeconds } }: { readonly outbox: RefusedOutbox }): ReactElement {
  const title = "Batches of all tenants that wait to be moved into the log";
  if (waiting === 0)
    return (
      <span className={styles.count} data-field="waiting" title={title}>
        nothing waits
      </span>
    );
  const many = `${countText(waiting)}${waiting >= MOST_COUNTED ? " or more wait" : waiting === 1 ? " waits" : " wait"}`;
  return (
    <span className={waitingSeconds > LONG_SECONDS ? styles.bad : styles.count} data-field="waiting" title={title}>
      {many}, the oldest for {waitingSeconds < 1 ? "less than 1 s" : spanText(waitingSeconds * 1000)}
    </span>
  );
}

function BatchRow({ batch }: { readonly batch: Batch }): ReactElement {
  const { seq, key, role, source, stagedAt, refusedAt, events, statusCode, reason, faults, more } = batch;
  // Counted as the server counts them, where they are named elsewhere: from 0.
  const said = faults.map(({ index, path, message }) => `event ${index}${path === "" ? "" : `, ${path}`}: ${message}`);
  const why = said.length === 0 ? [reason] : [...said, ...(more > 0 ? [`and ${countText(more)} more`] : [])];
  return (
    <tr data-batch={seq}>
      <td title={refusedAt}>{clockTime(refusedAt)}</td>
      <td title={stagedAt}>{clockTime(stagedAt)}</td>
      <td>{role}</td>
      <td>{source}</td>
      <td>{countText(events)}</td>
      <td className={styles.bad}>{statusCode}</td>
      <td className={styles.why} title={why.join("\n")}>
        {why.join("; ")}
      </td>
      <td>{countText(seq)}</td>
      <td title={key}>{key.slice(0, 8)}</td>
    </tr>
  );
}
