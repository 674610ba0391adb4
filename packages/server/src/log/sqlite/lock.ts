/** One process a data directory: an exclusive SQLite lock that dies with the process, however it dies. */
import { join } from "node:path";
import Database from "better-sqlite3";

/** Throws an Error naming the directory when another process holds it. Returns the release. */
export function lockDirectory(directory: string): () => void {
  const lock = new Database(join(directory, "lock.db"), { timeout: 0 });
  try {
    lock.pragma("locking_mode = EXCLUSIVE");
    lock.exec("begin exclusive");
  } catch (error) {
    lock.close();
    throw new Error(`the data directory ${directory} is in use by another Broadtape process`, { cause: error });
  }
  return () => {
    lock.close();
  };
}
