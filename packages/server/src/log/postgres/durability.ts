/** What the database promises of a commit, checked and told at start. */
import type { Pool } from "pg";

export interface Durability {
  /** Of the database's release, such as 15.18. */
  readonly server: string;
  /** As commits of the log are made: never `off`, which would acknowledge what a crash takes away. */
  readonly synchronousCommit: string;
  /** `synchronous_standby_names`; empty: what the primary's disk loses is lost. */
  readonly synchronousStandbys: string;
  /** `fsync`: false where a power cut may damage the database. */
  readonly syncsToDisk: boolean;
}

/** The oldest release that the log is written for. */
const OLDEST_RELEASE = 130_000;

const SETTINGS = `select current_setting('server_version') as server, current_setting('server_version_num') as release,
  current_setting('server_encoding') as encoding, pg_is_in_recovery()::text as is_standby,
  current_setting('synchronous_commit') as commit, current_setting('synchronous_standby_names') as standbys, current_setting('fsync') as fsync`;

/** Rejects with an Error that says why this database cannot keep a log. */
export async function checkDurability(pool: Pool): Promise<Durability> {
  const [row = {}] = (await pool.query<Record<string, string>>(SETTINGS)).rows;
  const { server = "", release = "0", encoding, is_standby: isStandby, commit = "on", standbys = "", fsync } = row;
  if (Number(release) < OLDEST_RELEASE) throw new Error(`PostgreSQL ${server} is too old: 13 is the oldest that will do`);
  if (encoding !== "UTF8") throw new Error(`its encoding is ${encoding ?? "unknown"} and has to be UTF8`);
  if (isStandby === "true") throw new Error("it is a standby, which takes no writes");
  return {
    server,
    synchronousCommit: commit === "off" ? "on" : commit,
    synchronousStandbys: standbys,
    syncsToDisk: fsync !== "off",
  };
}
