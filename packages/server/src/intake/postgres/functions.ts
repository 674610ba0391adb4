/**
 * What services call in their own transactions. It checks what SQL can: the right to publish, the envelope (protocol/event.ts), known types
 * and their data (checks.ts), sizes, depth. Everything else is checked when the batch is moved. It takes no lock that another
 * publisher, or a node, would wait for.
 *
 * It looks at a copy in which U+FFFD stands for U+0000 and for halves of surrogate pairs, which PostgreSQL's texts cannot hold; what is staged is as it was written.
 */
import { escapeIdentifier, escapeLiteral } from "pg";
import { z } from "zod";
import { MAX_DATA_DEPTH } from "@broadtape/protocol/event";

/** Sessions that move listen to it. It holds no payload: the table says what there is. */
export const CHANNEL = "broadtape_outbox";

/** Of a session that says `off`, nobody is woken: a transaction that has notified cannot be prepared (two-phase commit). */
const WAKE_SETTING = "broadtape.wake";

/** SQLSTATEs that a service may want to tell apart (docs/publishing-from-sql.md). */
const STATE = { refused: "22023", forbidden: "42501", tooLarge: "54000" };

/** A class of digits holds those of other scripts as well where the database's locale says so. */
const TIME = z.regexes.datetime({ offset: true }).source.replaceAll("\\d", "[0-9]");

/** What the text attributes of an event may be; as `eventEnvelope`. Regular expressions of PostgreSQL repeat at most 255 times: lengths are apart. */
const ATTRIBUTES: readonly (readonly [name: string, most: number, pattern: string, says: string])[] = [
  ["type", 128, ".", "must be a text of 1 to 128 characters"],
  ["id", 256, ".", "must be a text of 1 to 256 characters"],
  ["source", 1024, ".", "must be a text of 1 to 1024 characters"],
  ["subject", 1024, ".", "must be a text of 1 to 1024 characters"],
  ["time", 64, TIME, "must be an RFC 3339 time"],
  ["correlationid", 128, "^[\\x21-\\x7e]+$", "must be 1 to 128 visible ASCII characters"],
  ["datacontenttype", 1024, "(?i)^application/(json|[\\w.-]+\\+json)\\s*(;.*)?$", "must be a JSON type"],
  ["specversion", 3, "^1\\.0$", "must be 1.0"],
];

const attributeRows = ATTRIBUTES.map(
  ([name, most, pattern, says]) => `(${escapeLiteral(name)}, ${most}, ${escapeLiteral(pattern)}, ${escapeLiteral(says)})`,
).join(",\n      ");

/** Characters that are two in JavaScript. */
const ASTRAL = "[\\U00010000-\\U0010ffff]";

/** As statements; nobody but their owner may execute them until he grants it. */
export function functionsIn(schema: string): string {
  const definer = `security definer set search_path = ${escapeIdentifier(schema)}, pg_temp set standard_conforming_strings = on`;
  return `
create function outbox_readable(events text) returns text language plpgsql immutable ${definer} as $$
begin
  if events !~ '\\\\u(0000|[dD])' then return events; end if;
  -- In JSON's text no control character stands for itself: they mark what is not to be touched. First that is a backslash that is one.
  events := replace(events, '\\\\', chr(2));
  events := regexp_replace(events, '\\\\u([dD][89abAB][0-9a-fA-F]{2})\\\\u([dD][c-fC-F][0-9a-fA-F]{2})', chr(1) || '\\1' || chr(1) || '\\2', 'g');
  events := regexp_replace(events, '\\\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\\\\ufffd', 'g');
  return replace(replace(events, chr(1), '\\u'), chr(2), '\\\\');
end $$;

create function outbox_fault(event jsonb, tenant text) returns text language plpgsql stable ${definer} as $$
declare
  name text;
  most integer;
  pattern text;
  says text;
  value text;
  fault text;
begin
  if jsonb_typeof(event) <> 'object' then return ': must be an object'; end if;
  for name, most, pattern, says in values
      ${attributeRows}
  loop
    if not event ? name then continue when name <> 'type'; return 'type: is required'; end if;
    value := event ->> name;
    if jsonb_typeof(event -> name) <> 'string' or octet_length(value) > 3 * most or value !~ pattern
      or octet_length(value) > most and length(regexp_replace(value, '${ASTRAL}', 'xx', 'g')) > most
      then return name || ': ' || says;
    end if;
  end loop;
  if event ? 'data_base64' then return 'data_base64: binary data is not taken: send \`data\`'; end if;
  if event ? 'tenantid' and event ->> 'tenantid' is distinct from outbox_fault.tenant then
    return 'tenantid: must be the tenant that is published for';
  end if;
  if not exists (select from outbox_types t where t.type = event ->> 'type') then return 'type: is not a type of the catalogue'; end if;
  if not event ? 'data' then return 'data: is required'; end if;
  select replace(array_to_string(array_prepend('data', c.path), '.'), '.[*]', '[*]') || ': ' || c.says into fault from outbox_checks c
    where c.type = event ->> 'type'
      and (length(event -> 'data' #>> c.path) > c.longest or jsonb_path_exists(event -> 'data', c.fault, '{}', true))
    order by c.place limit 1;
  if found then return fault; end if;
  if jsonb_path_exists(event, 'strict $.**{${MAX_DATA_DEPTH + 1}} ? (@.type() == "object" || @.type() == "array")', '{}', true) then
    return ': is nested deeper than ${MAX_DATA_DEPTH} levels';
  end if;
  return null;
end $$;

create function publish(tenant text, source text, events json) returns text[] language plpgsql volatile ${definer} as $$
declare
  settings outbox_settings%rowtype;
  batch uuid := gen_random_uuid();
  batch_bytes integer := octet_length(publish.events::text);
  ids text[] := '{}';
  event jsonb;
  fault text;
begin
  if not exists (
    select from publishers p join pg_catalog.pg_roles r on r.rolname = p.role
    where p.tenant = publish.tenant and pg_has_role(session_user, r.oid, 'usage')
  ) then
    raise exception using errcode = '${STATE.forbidden}',
      message = format('%I may not publish for the tenant %s', session_user, coalesce(quote_literal(publish.tenant), 'null')),
      hint = format('insert into %I.publishers (role, tenant) values (%L, %L)', current_schema, session_user, publish.tenant);
  end if;
  select * into settings from outbox_settings;
  if publish.source is null or length(publish.source) not between 1 and 1024 then
    raise exception using errcode = '${STATE.refused}', message = 'source: must be a text of 1 to 1024 characters';
  end if;
  if publish.events is null then
    raise exception using errcode = '${STATE.refused}', message = 'events: is required';
  end if;
  if batch_bytes > settings.batch_bytes then
    raise exception using errcode = '${STATE.tooLarge}',
      message = format('a batch holds at most %s bytes, this one holds %s', settings.batch_bytes, batch_bytes);
  end if;
  if json_typeof(publish.events) = 'object' then events := '[' || publish.events::text || ']'; end if;
  if json_typeof(publish.events) <> 'array' or json_array_length(publish.events) = 0 then
    raise exception using errcode = '${STATE.refused}', message = 'a batch is an array of at least one event';
  end if;
  if json_array_length(publish.events) > settings.batch_events then
    raise exception using errcode = '${STATE.tooLarge}', message = format('a batch holds at most %s events', settings.batch_events);
  end if;
  for event in select value from jsonb_array_elements(outbox_readable(publish.events::text)::jsonb) loop
    fault := outbox_fault(event, publish.tenant);
    if fault is not null then
      raise exception using errcode = '${STATE.refused}', message = format('event %s, %s', cardinality(ids), fault);
    end if;
    ids := ids || coalesce(event ->> 'id', format('%s:%s', batch, cardinality(ids)));
  end loop;
  insert into outbox (key, tenant, source, role, events_count, bytes, events)
    values (batch, publish.tenant, publish.source, session_user, cardinality(ids), batch_bytes, publish.events);
  if settings.is_asleep and coalesce(current_setting('${WAKE_SETTING}', true), '') <> 'off' then perform pg_notify('${CHANNEL}', ''); end if;
  return ids;
end $$;

create function publish_event(
  tenant text, source text, type text, data json,
  id text default null, subject text default null, "time" timestamptz default null, correlationid text default null
) returns text language plpgsql volatile ${definer} as $$
declare
  said text := to_char(publish_event."time" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
begin
  if not isfinite(publish_event."time") or extract(year from publish_event."time" at time zone 'UTC') not between 1 and 9999 then
    raise exception using errcode = '${STATE.refused}', message = 'time: must be of the years 1 to 9999';
  end if;
  return (publish(
    publish_event.tenant,
    publish_event.source,
    ('{"type":' || coalesce(to_json(publish_event.type)::text, 'null')
      || coalesce(',"id":' || to_json(publish_event.id), '')
      || coalesce(',"subject":' || to_json(publish_event.subject), '')
      || coalesce(',"time":' || to_json(said), '')
      || coalesce(',"correlationid":' || to_json(publish_event.correlationid), '')
      || ',"data":' || coalesce(publish_event.data::text, 'null') || '}')::json
  ))[1];
end $$;

revoke all on function outbox_readable, outbox_fault, publish, publish_event from public;
`;
}
