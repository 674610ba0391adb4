/** The log's SQL in SQLite's dialect. Compiled once, in the main thread: the log's own threads only run it. */
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from "kysely";
import { type LogSchema, schema } from "../schema.ts";
import { type StatementName, statements } from "../sql.ts";
import type { CompiledSql } from "./messages.ts";

export function compileSql(): CompiledSql {
  const db = new Kysely<LogSchema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (each) => new SqliteIntrospector(each),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
  const compiled = Object.entries(statements(db)).map(([name, query]) => [name, query.compile().sql]);
  return {
    schema: schema(db).map(({ sql }) => sql),
    // The names are the keys of what is compiled.
    statements: Object.fromEntries(compiled) as Record<StatementName, string>,
  };
}
