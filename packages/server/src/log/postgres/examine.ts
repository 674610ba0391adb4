/** What a server would find in a database, looked at without changing anything. */
import { type DatabasePlace, DEFAULT_SCHEMA, openPool, withClient } from "../../postgres/pool.ts";
import { checkDurability, type Durability } from "./durability.ts";
import { checkFormat } from "./tables.ts";

export interface ExaminedDatabase {
  readonly durability: Durability;
  /** False: the first start makes its tables. */
  readonly hasTables: boolean;
  /** `max_connections`: all nodes together need less. */
  readonly mostConnections: number;
}

/** Of the schema: whether it is there, and whether this user may do in it what a node does, which is to make and drop tables. */
const RIGHTS = `select
  to_regnamespace($1) is not null as has_schema,
  (select relowner from pg_class where relnamespace = to_regnamespace($1) and relname = 'heads') is not null as has_tables,
  case when to_regnamespace($1) is null then has_database_privilege(current_database(), 'CREATE')
    else has_schema_privilege(to_regnamespace($1), 'CREATE') end as may_create,
  coalesce((select pg_has_role(relowner, 'USAGE') from pg_class where relnamespace = to_regnamespace($1) and relname = 'heads'), true) as owns,
  current_user::text as name,
  current_setting('max_connections')::int as most_connections`;

interface Rights {
  readonly has_schema: boolean;
  readonly has_tables: boolean;
  readonly may_create: boolean;
  readonly owns: boolean;
  readonly name: string;
  readonly most_connections: number;
}

/** Rejects with an Error that says why no server would start on it. */
export async function examineDatabase({ url, schema = DEFAULT_SCHEMA }: DatabasePlace): Promise<ExaminedDatabase> {
  const pool = openPool({ url, schema, name: "broadtape doctor", connections: 1 });
  try {
    const durability = await checkDurability(pool);
    const [rights] = (await pool.query<Rights>(RIGHTS, [schema])).rows;
    if (rights === undefined) throw new Error("it does not say what its user may do");
    const { name } = rights;
    if (!rights.has_schema && !rights.may_create)
      throw new Error(`user ${name} may not create schema ${schema}: grant CREATE on the database, or make it`);
    if (!rights.may_create) throw new Error(`user ${name} may not create tables in schema ${schema}`);
    if (!rights.owns) throw new Error(`user ${name} does not own the tables in schema ${schema}`);
    if (rights.has_tables) await withClient(pool, checkFormat);
    return { durability, hasTables: rights.has_tables, mostConnections: rights.most_connections };
  } finally {
    await pool.end();
  }
}
