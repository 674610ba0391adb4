/** One connection to the log's file, with its statements prepared once. */
import Database from "better-sqlite3";
import { type StatementName, schema, sqliteCompiler, statements } from "../sql.ts";

export const LOG_FILE = "log.db";

/** Every result row of the log's statements, by column. */
export type Row = Readonly<Record<string, string | number | null>>;

export interface LogDatabase {
  readonly raw: Database.Database;
  readonly prepared: Readonly<Record<StatementName, Database.Statement<unknown[], Row>>>;
}

/** Opens (and for the writer creates) the file. Throws an Error naming the file when it is no log. */
export function openDatabase(file: string, role: "writer" | "reader"): LogDatabase {
  let raw: Database.Database;
  try {
    raw = new Database(file, { readonly: role === "reader" });
    if (role === "writer") raw.pragma("journal_mode = WAL");
    // An acknowledged commit is on the disk.
    raw.pragma("synchronous = FULL");
    raw.pragma("cache_size = -65536");
    raw.pragma("wal_autocheckpoint = 4000");
    const compiler = sqliteCompiler();
    if (role === "writer") for (const { sql } of schema(compiler)) raw.exec(sql);
    return { raw, prepared: prepare(raw) };
  } catch (error) {
    throw new Error(`${file} cannot be opened as a Broadtape log: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function prepare(raw: Database.Database): LogDatabase["prepared"] {
  const entries = Object.entries(statements(sqliteCompiler())).map(([name, query]) => [name, raw.prepare(query.compile().sql)]);
  // The names are the keys of what was compiled.
  return Object.fromEntries(entries) as LogDatabase["prepared"];
}
