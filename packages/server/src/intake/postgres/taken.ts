/** What nodes take, as the functions that services call know it. */
import type { Check } from "../checks.ts";
import type { BatchLimits } from "../intake.ts";

export interface Taken extends BatchLimits {
  /** With what `data` must not be. */
  readonly types: ReadonlyMap<string, readonly Check[]>;
}

const SET_LIMITS = "update outbox_settings set batch_events = $1, batch_bytes = $2, is_asleep = false";
/** In one statement: nobody sees types without their checks. */
const SET_TYPES = `with types as (select type, checks from json_to_recordset($1) as each(type text, checks json)),
  old_types as (delete from outbox_types where type not in (select type from types)),
  new_types as (insert into outbox_types select type from types on conflict do nothing),
  old_checks as (delete from outbox_checks)
  insert into outbox_checks (type, place, path, says, longest, fault)
  select types.type, place, array(select json_array_elements_text(item -> 'path')), item ->> 'says', (item ->> 'longest')::int, (item ->> 'fault')::jsonpath
  from types, json_array_elements(checks) with ordinality as each(item, place)`;

/** Replaces what was told before. */
export async function tellTaken(
  ask: (text: string, values: readonly unknown[]) => Promise<unknown>,
  { types, batchEvents, batchBytes }: Taken,
): Promise<void> {
  await ask(SET_TYPES, [JSON.stringify([...types].map(([type, checks]) => ({ type, checks })))]);
  await ask(SET_LIMITS, [batchEvents, batchBytes]);
}
