/** One field of the form, nested as deep as its schema. */
import { type ReactElement, useId } from "react";
import { type Draft, type DraftObject, type Suggest, isNamed, newDraft } from "./draft.ts";
import type { Entry, Field } from "./schema-field.ts";
import styles from "./try.module.css";

interface Properties {
  readonly label: string;
  /** As the server names it: `data.transaction.amount`. */
  readonly path: string;
  readonly field: Field;
  readonly draft: Draft;
  readonly isRequired: boolean;
  readonly faults: ReadonlyMap<string, string>;
  readonly suggest: Suggest;
  readonly onChange: (draft: Draft) => void;
  /** Leaves it out; none where it must be there. */
  readonly onRemove?: (() => void) | undefined;
}

export function FieldInput(properties: Properties): ReactElement {
  const { field, draft } = properties;
  if (isNamed(draft)) return <ObjectInput {...properties} draft={draft} />;
  if (field.kind === "list" && typeof draft !== "string") return <ListInput {...properties} item={field.item} drafts={draft} />;
  return <ScalarInput {...properties} text={typeof draft === "string" ? draft : ""} />;
}

function ObjectInput(properties: Omit<Properties, "draft"> & { readonly draft: DraftObject }): ReactElement {
  const { label, path, field, draft, faults, suggest, onChange, onRemove } = properties;
  const entries = field.kind === "object" ? field.entries : [];
  const known = new Set(entries.map(({ name }) => name));
  const others: readonly Entry[] = Object.keys(draft)
    .filter((name) => !known.has(name))
    .map((name) => ({ name, field: { kind: "json" }, isRequired: false }));
  const without = (name: string) => onChange(Object.fromEntries(Object.entries(draft).filter(([each]) => each !== name)));
  return (
    <fieldset className={styles.group}>
      <legend>
        {label} {onRemove !== undefined && <RemoveButton label={label} onRemove={onRemove} />}
      </legend>
      <Fault path={path} faults={faults} />
      <div className={styles.fields}>
        {[...entries, ...others].map((entry) => {
          const own = Object.hasOwn(draft, entry.name) ? draft[entry.name] : undefined;
          const isNested = entry.field.kind === "object" || entry.field.kind === "list";
          if (own === undefined && isNested) {
            const add = () => onChange({ ...draft, [entry.name]: newDraft(entry.field, suggest, entry.name) });
            return (
              <button key={entry.name} type="button" className={styles.add} onClick={add}>
                + {entry.name}
              </button>
            );
          }
          return (
            <FieldInput
              key={entry.name}
              label={entry.name}
              path={`${path}.${entry.name}`}
              field={entry.field}
              draft={own ?? ""}
              isRequired={entry.isRequired}
              faults={faults}
              suggest={suggest}
              onChange={(next) => onChange({ ...draft, [entry.name]: next })}
              onRemove={entry.isRequired || !isNested ? undefined : () => without(entry.name)}
            />
          );
        })}
      </div>
    </fieldset>
  );
}

function ListInput(properties: Properties & { readonly item: Field; readonly drafts: readonly Draft[] }): ReactElement {
  const { label, path, item, drafts, faults, suggest, onChange, onRemove } = properties;
  return (
    <fieldset className={styles.group}>
      <legend>
        {label} {onRemove !== undefined && <RemoveButton label={label} onRemove={onRemove} />}
      </legend>
      <Fault path={path} faults={faults} />
      {drafts.map((draft, index) => (
        <FieldInput
          // What stands at a place is all that tells an item from another.
          key={index}
          label={`${label} ${index + 1}`}
          path={`${path}.${index}`}
          field={item}
          draft={draft}
          isRequired
          faults={faults}
          suggest={suggest}
          onChange={(next) => onChange(drafts.map((each, at) => (at === index ? next : each)))}
          onRemove={() => onChange(drafts.filter((_, at) => at !== index))}
        />
      ))}
      <button type="button" className={styles.add} onClick={() => onChange([...drafts, newDraft(item, suggest, label)])}>
        + {label}
      </button>
    </fieldset>
  );
}

function ScalarInput(properties: Properties & { readonly text: string }): ReactElement {
  const { label, path, field, text, isRequired, faults, onChange, onRemove } = properties;
  const id = useId();
  const fault = faults.get(path);
  const shared = {
    id,
    value: text,
    "aria-required": isRequired,
    "aria-invalid": fault !== undefined,
    ...(fault !== undefined && { "aria-describedby": `${id}-fault` }),
    onChange: ({ target }: { readonly target: { readonly value: string } }) => onChange(target.value),
  };
  return (
    <div className={styles.field} data-wide={isWide(field)} data-path={path}>
      <label htmlFor={id}>
        {label}
        {isRequired && <span aria-hidden="true"> *</span>}
        <span className={styles.kind}>{KINDS[field.kind]}</span>
      </label>
      <Control field={field} isRequired={isRequired} shared={shared} />
      {onRemove !== undefined && <RemoveButton label={label} onRemove={onRemove} />}
      {fault !== undefined && (
        <p className={styles.fault} id={`${id}-fault`}>
          {fault}
        </p>
      )}
    </div>
  );
}

interface ControlProperties {
  readonly field: Field;
  readonly isRequired: boolean;
  readonly shared: {
    readonly id: string;
    readonly value: string;
    readonly onChange: (event: { readonly target: { readonly value: string } }) => void;
  };
}

function Control({ field, isRequired, shared }: ControlProperties): ReactElement {
  const options = field.kind === "choice" ? field.options : field.kind === "flag" ? ["false", "true"] : undefined;
  if (options !== undefined) {
    return (
      <select {...shared}>
        {!isRequired && <option value="">not given</option>}
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    );
  }
  if (isWide(field)) return <textarea {...shared} rows={2} spellCheck={false} />;
  const isNumber = field.kind === "number" || field.kind === "decimal";
  return <input {...shared} autoComplete="off" spellCheck={false} inputMode={isNumber ? "decimal" : "text"} />;
}

const isWide = (field: Field) => field.kind === "json" || (field.kind === "text" && field.isLong);

const KINDS: Readonly<Record<Field["kind"], string>> = {
  object: "",
  list: "",
  choice: "",
  flag: "",
  text: "",
  number: "number",
  decimal: "decimal",
  time: "time",
  json: "JSON",
};

function RemoveButton({ label, onRemove }: { readonly label: string; readonly onRemove: () => void }): ReactElement {
  return (
    <button type="button" className={styles.remove} onClick={onRemove} aria-label={`Leave out ${label}`}>
      ×
    </button>
  );
}

function Fault({ path, faults }: { readonly path: string; readonly faults: ReadonlyMap<string, string> }): ReactElement | null {
  const fault = faults.get(path);
  return fault === undefined ? null : <p className={styles.fault}>{fault}</p>;
}
