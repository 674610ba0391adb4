/** One connection to the log's file, with its statements prepared once. */
import Database from "better-sqlite3";
import type { MetaKey } from "../schema.ts";
import type { RowOf, StatementName } from "../sql.ts";
import type { CompiledSql } from "./messages.ts";

export const LOG_FILE = "log.db";

/** Says in the file's header that it is a log of ours ("BTap"), and how its tables are laid out. */
const APPLICATION_ID = 0x42546170;
const FORMAT = 1;

/** A backup tool may hold the file for a moment. */
const BUSY_MS = 1000;
const WRITER_CACHE_KIB = 65_536;
const READER_CACHE_KIB = 32_768;

export type Prepared = { readonly [Name in StatementName]: Database.Statement<unknown[], RowOf<Name>> };

export interface LogDatabase {
  readonly raw: Database.Database;
  readonly prepared: Prepared;
}

/** Opens the file; the writer creates it where there is none. Throws when it is no log. */
export function openDatabase(file: string, role: "writer" | "reader", sql: CompiledSql): LogDatabase {
  const raw = new Database(file, { readonly: role === "reader", timeout: BUSY_MS });
  raw.pragma(`cache_size = -${role === "writer" ? WRITER_CACHE_KIB : READER_CACHE_KIB}`);
  if (role === "writer") prepareToWrite(raw, sql.schema);
  return { raw, prepared: prepare(raw, sql.statements) };
}

export function getMeta({ prepared }: LogDatabase, key: MetaKey): string | undefined {
  return prepared.getMeta.get(key)?.value;
}

export function setMeta({ prepared }: LogDatabase, key: MetaKey, value: string | number): void {
  prepared.setMeta.run(key, String(value));
}

/**
 * Runs a transaction that need not survive a power cut, without its fsync. The file stays whole and in order: the next
 * durable commit makes this one durable with it.
 */
export function withoutSync(db: LogDatabase, work: () => void): void {
  db.raw.pragma("synchronous = NORMAL");
  try {
    db.raw.transaction(work)();
  } finally {
    db.raw.pragma("synchronous = FULL");
  }
}

function prepareToWrite(raw: Database.Database, schema: readonly string[]): void {
  const isNew = numberOf(raw, "schema_version") === 0;
  if (!isNew && numberOf(raw, "application_id") !== APPLICATION_ID) throw new Error("it is a database of something else");
  raw.pragma("journal_mode = WAL");
  // Each commit is on the disk before it is acknowledged; the second line is for macOS, where fsync alone is not that.
  raw.pragma("synchronous = FULL");
  raw.pragma("fullfsync = ON");
  // The writer moves the journal into the file itself, when nobody waits for a commit (writer.ts); this is the bound beyond which it no longer may put it off.
  raw.pragma("wal_autocheckpoint = 16000");
  raw.pragma("journal_size_limit = 67108864");
  if (isNew) create(raw, schema);
  const format = numberOf(raw, "user_version");
  if (format !== FORMAT) throw new Error(`its format is ${format}, this release reads ${FORMAT}`);
}

/** All or nothing, so that a server killed here finds an empty file again. */
function create(raw: Database.Database, schema: readonly string[]): void {
  raw.transaction(() => {
    for (const sql of schema) raw.exec(sql);
    raw.pragma(`application_id = ${APPLICATION_ID}`);
    raw.pragma(`user_version = ${FORMAT}`);
  })();
}

function numberOf(raw: Database.Database, pragma: string): number {
  return Number(raw.pragma(pragma, { simple: true }));
}

function prepare(raw: Database.Database, statements: CompiledSql["statements"]): Prepared {
  const entries = Object.entries(statements).map(([name, sql]) => [name, raw.prepare(sql)]);
  // The names are those of what was compiled, and their rows have the types of the schema that this file was created with.
  return Object.fromEntries(entries) as Prepared;
}
