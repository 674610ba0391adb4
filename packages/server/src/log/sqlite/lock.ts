/** One process a data directory: an exclusive lock on a file beside the log, which ends with the process, however that ends. */
import { join } from "node:path";
import Database from "better-sqlite3";

const LOCK_FILE = "lock.db";

/** Throws an Error that names the directory when another holds it. Returns the release. */
export function lockDirectory(directory: string): () => void {
  let lock: Database.Database | undefined;
  try {
    lock = new Database(join(directory, LOCK_FILE), { timeout: 0 });
    lock.exec("begin exclusive");
  } catch (error) {
    lock?.close();
    if (error instanceof Database.SqliteError && error.code === "SQLITE_BUSY") {
      throw new Error(`the data directory ${directory} is in use by another Broadtape process`, { cause: error });
    }
    throw new Error(`the data directory ${directory} cannot be locked: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  const held = lock;
  return () => {
    held.close();
  };
}
