/** Whose rows are meant where several nodes write into one table; for statements and for the registry in memory. */
import { type RawBuilder, sql } from "kysely";
import type { OfNodes } from "./registry.ts";

export function isOf(node: string | undefined, of: OfNodes | undefined): boolean {
  if (of === undefined) return true;
  return "node" in of ? node === of.node : node === undefined || !of.except.includes(node);
}

/** As {@link isOf}, over a column `node`. */
export function isOfSql(of: OfNodes | undefined): RawBuilder<boolean> {
  if (of === undefined) return sql<boolean>`1 = 1`;
  if ("node" in of) return sql<boolean>`node = ${of.node}`;
  return of.except.length === 0 ? sql<boolean>`1 = 1` : sql<boolean>`(node is null or node not in (${sql.join(of.except)}))`;
}
