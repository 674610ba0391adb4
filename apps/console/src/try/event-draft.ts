/** The event that is being written: a type, its data, and the envelope around it. */
import { parseJson } from "@broadtape/protocol/json";
import type { CatalogueList } from "@broadtape/protocol/operations";
import { type Draft, type DraftObject, type Suggest, isNamed, isRecord, newDraft, readDraft, writeDraft } from "./draft.ts";
import { type Field, fieldOf } from "./schema-field.ts";

export type EventType = CatalogueList["types"][number];

export interface EventDraft {
  readonly type: string;
  readonly data: Draft;
  /** Everything beside type and data. */
  readonly envelope: DraftObject;
}

/** Attributes of CloudEvents that the server keeps (contract 00-common "Publishing"). */
export const ENVELOPE: Field = {
  kind: "object",
  entries: ["id", "source", "subject", "time", "correlationid", "tenantid"].map((name) => ({
    name,
    field: { kind: "text", isLong: false },
    isRequired: false,
  })),
};

export function newEvent({ type, schema }: EventType, suggest: Suggest): EventDraft {
  return { type, data: newDraft(fieldOf(schema), suggest), envelope: {} };
}

/** JSON text of the event, on one line. */
export function writeEvent({ type, data, envelope }: EventDraft, field: Field): string {
  const around = writeDraft(ENVELOPE, envelope)?.slice(1, -1) ?? "";
  const parts = [`"type":${JSON.stringify(type)}`, ...(around === "" ? [] : [around]), `"data":${writeDraft(field, data) ?? "null"}`];
  return `{${parts.join(",")}}`;
}

/** JSON text back into a form. Throws a SyntaxError that says why it does not fit in one. */
export function readEvent(text: string, types: readonly EventType[]): EventDraft {
  const event = parseJson(text);
  if (!isRecord(event)) throw new SyntaxError("is not one event: a JSON object");
  const { type, data, ...envelope } = event;
  const known = types.find((each) => each.type === type);
  if (known === undefined) throw new SyntaxError("its type is none of the catalogue");
  return { type: known.type, data: readDraft(fieldOf(known.schema), data), envelope: objectDraft(envelope) };
}

function objectDraft(value: Readonly<Record<string, unknown>>): DraftObject {
  const draft = readDraft(ENVELOPE, value);
  return isNamed(draft) ? draft : {};
}
