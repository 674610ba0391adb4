/** What the server said to an event: where it is in the log, or what is wrong with it. */
import type { ReactElement } from "react";
import { Refused } from "../operations/ask.ts";
import styles from "./try.module.css";

export type Answer =
  | { readonly kind: "published"; readonly offset: string; readonly eventId: string; readonly isDuplicate: boolean }
  | { readonly kind: "refused"; readonly refusal: Refused };

interface Fault {
  readonly path: string;
  readonly message: string;
}

export function PublishAnswer({ answer, isAdmin }: { readonly answer: Answer | undefined; readonly isAdmin: boolean }): ReactElement {
  return (
    <div role="status" aria-label="Answer" className={styles.answer} data-kind={answer?.kind}>
      {answer?.kind === "published" && (
        <>
          <b>{answer.isDuplicate ? "Stored before" : "Stored"}</b> at offset <code data-field="offset">{answer.offset}</code>, event{" "}
          <code data-field="eventId">{answer.eventId}</code>
          {isAdmin && (
            <>
              {" "}
              · <a href={wayOf(answer.eventId)}>follow it</a>
            </>
          )}
        </>
      )}
      {answer?.kind === "refused" && <Refusal refusal={answer.refusal} />}
    </div>
  );
}

function Refusal({ refusal }: { readonly refusal: Refused }): ReactElement {
  const faults = faultList(refusal);
  return (
    <>
      <b>Refused{refusal.statusCode === 0 ? "" : ` (${refusal.statusCode})`}</b>: {refusal.message}
      {faults.length > 1 && (
        <ul>
          {faults.map(({ path, message }) => (
            <li key={path}>
              <code>{path === "" ? "event" : path}</code>: {message}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** By path. */
export function faultsOf(answer: Answer | undefined): ReadonlyMap<string, string> {
  return new Map(answer?.kind === "refused" ? faultList(answer.refusal).map(({ path, message }) => [path, message]) : []);
}

/** The first result of a publish answer. */
export function publishedOf(body: unknown): Omit<Answer & { kind: "published" }, "kind"> {
  const results: unknown = fieldOf(body, "results");
  const result: unknown = Array.isArray(results) ? results[0] : undefined;
  return {
    offset: String(fieldOf(result, "offset")),
    eventId: String(fieldOf(result, "eventId")),
    isDuplicate: fieldOf(result, "duplicate") === true,
  };
}

function faultList({ body }: Refused): readonly Fault[] {
  const errors: unknown = fieldOf(body, "errors");
  if (!Array.isArray(errors)) return [];
  return errors.map((error: unknown) => ({ path: String(fieldOf(error, "path")), message: String(fieldOf(error, "message")) }));
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** The operator's console, showing this event's whole way, as whoever is signed in. */
function wayOf(eventId: string): string {
  const query = new URLSearchParams(location.search);
  query.set("event", eventId);
  return `operations?${query.toString()}`;
}
