/** An event of any type, from a form made of its schema or as JSON, and what the server says to it. */
import { type ReactElement, type SyntheticEvent, useEffect, useMemo, useState } from "react";
import { Refused, ask } from "../operations/ask.ts";
import type { SignedIn } from "../operations/rights.ts";
import { type Answer, PublishAnswer, faultsOf, publishedOf } from "./answer.tsx";
import { CopyLines } from "./copy-lines.tsx";
import { isNamed } from "./draft.ts";
import { ENVELOPE, type EventType, newEvent, readEvent, writeEvent } from "./event-draft.ts";
import { FieldInput } from "./field-input.tsx";
import { indentJson } from "./indent-json.ts";
import { publishLines } from "./lines.ts";
import { fieldOf } from "./schema-field.ts";
import { suggestions } from "./suggestions.ts";
import styles from "./try.module.css";

interface Properties {
  readonly signedIn: SignedIn;
  readonly types: readonly EventType[];
  readonly server: string;
  readonly token: () => Promise<string>;
}

const FIRST_TYPE = "transaction.created";

export function PublishPanel({ signedIn, types, server, token }: Properties): ReactElement {
  const suggest = useMemo(() => suggestions({ userId: signedIn.userId, now: Date.now(), mark: newMark() }), [signedIn.userId]);
  const [draft, setDraft] = useState(() => newEvent(firstOf(types), suggest));
  /** The event as JSON text while it is written that way. */
  const [raw, setRaw] = useState<string>();
  const [rawFault, setRawFault] = useState<string>();
  const [answer, setAnswer] = useState<Answer>();
  const [isSending, setSending] = useState(false);

  const type = types.find((each) => each.type === draft.type) ?? firstOf(types);
  const field = useMemo(() => fieldOf(type.schema), [type]);
  const text = raw ?? writeEvent(draft, field);
  const faults = useMemo(() => faultsOf(answer), [answer]);

  const choose = (name: string) => {
    const chosen = types.find((each) => each.type === name);
    if (chosen === undefined) return;
    const next = newEvent(chosen, suggest);
    setDraft(next);
    if (raw !== undefined) setRaw(indentJson(writeEvent(next, fieldOf(chosen.schema))));
    setAnswer(undefined);
    setRawFault(undefined);
  };
  const toForm = () => {
    try {
      setDraft(readEvent(raw ?? "", types));
      setRaw(undefined);
      setRawFault(undefined);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      setRawFault(`This does not fit in the form: ${error.message}`);
    }
  };
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    setSending(true);
    void ask(signedIn.fetch, "api/v1/events", { method: "POST", headers: { "content-type": "application/json" }, body: text })
      .then(
        (body) => setAnswer({ kind: "published", ...publishedOf(body) }),
        (error: unknown) => {
          if (!(error instanceof Refused)) throw error;
          setAnswer({ kind: "refused", refusal: error });
        },
      )
      .finally(() => setSending(false));
  };

  return (
    <section className={styles.panel} aria-labelledby="publish">
      <div className={styles.bar}>
        <h2 id="publish">Publish</h2>
        <span className={styles.push} />
        <div role="group" aria-label="How the event is written" className={styles.choice}>
          <button type="button" aria-pressed={raw === undefined} onClick={toForm} disabled={raw === undefined}>
            Form
          </button>
          <button type="button" aria-pressed={raw !== undefined} onClick={() => setRaw(indentJson(text))} disabled={raw !== undefined}>
            JSON
          </button>
        </div>
      </div>
      <MissingRight signedIn={signedIn} />
      <form onSubmit={send} aria-label="Event" className={styles.form}>
        <label className={styles.type}>
          Event type
          <select value={draft.type} onChange={({ target }) => choose(target.value)}>
            {productsOf(types).map(([product, own]) => (
              <optgroup key={product} label={product}>
                {own.map((each) => (
                  <option key={each.type}>{each.type}</option>
                ))}
              </optgroup>
            ))}
          </select>
          <span className={styles.quiet}>{type.description}</span>
        </label>
        {raw === undefined ? (
          <>
            <FieldInput
              label="data"
              path="data"
              field={field}
              draft={draft.data}
              isRequired
              faults={faults}
              suggest={suggest}
              onChange={(data) => setDraft({ ...draft, data })}
            />
            <details className={styles.envelope}>
              <summary>Envelope: id, source, subject, time, correlation id, tenant</summary>
              <FieldInput
                label="envelope"
                path=""
                field={ENVELOPE}
                draft={draft.envelope}
                isRequired
                faults={prefixed(faults)}
                suggest={suggest}
                onChange={(next) => setDraft({ ...draft, envelope: isNamed(next) ? next : {} })}
              />
            </details>
          </>
        ) : (
          <RawInput text={raw} fault={rawFault} onChange={setRaw} />
        )}
        <div className={styles.send}>
          <button type="submit" className={styles.primary} aria-busy={isSending} disabled={isSending}>
            Publish
          </button>
          <PublishAnswer answer={answer} isAdmin={signedIn.permissions?.has("stream:admin") === true} />
        </div>
      </form>
      <CopyLines title="The same by hand" lines={publishLines(server, text)} token={token} />
    </section>
  );
}

function RawInput({ text, fault, onChange }: { text: string; fault: string | undefined; onChange: (text: string) => void }): ReactElement {
  const [rows, setRows] = useState(16);
  useEffect(() => setRows(Math.min(28, Math.max(12, text.split("\n").length + 1))), [text]);
  return (
    <label className={styles.raw}>
      Event as JSON
      <textarea
        value={text}
        rows={rows}
        spellCheck={false}
        aria-invalid={fault !== undefined}
        onChange={({ target }) => onChange(target.value)}
      />
      {fault !== undefined && <span className={styles.fault}>{fault}</span>}
    </label>
  );
}

function MissingRight({ signedIn: { permissions } }: { readonly signedIn: SignedIn }): ReactElement | null {
  if (permissions === undefined || permissions.has("events:publish") || permissions.has("events:publish:any")) return null;
  return (
    <p className={styles.notice} role="note">
      Publishing needs the permission <code>events:publish</code>, which this account lacks: the server will refuse. Sign in as somebody who
      has it, or use a token made with <code>npx broadtape token --permissions events:publish</code>.
    </p>
  );
}

/** Not `randomUUID`, which pages that came over plain HTTP do not have. */
function newMark(): string {
  return [...crypto.getRandomValues(new Uint8Array(4))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function firstOf(types: readonly EventType[]): EventType {
  const first = types.find(({ type }) => type === FIRST_TYPE) ?? types[0];
  if (first === undefined) throw new Error("the catalogue holds no types");
  return first;
}

function productsOf(types: readonly EventType[]): readonly (readonly [string, readonly EventType[]])[] {
  return [...Map.groupBy(types, ({ product }) => product)];
}

/** The envelope's fields stand at the top: their paths have no parent. */
function prefixed(faults: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...faults].map(([path, message]) => [`.${path}`, message]));
}
