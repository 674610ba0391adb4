/** What went wrong between us and PostgreSQL. */
import { DatabaseError } from "pg";

/** Codes of Appendix A of PostgreSQL's manual with which a transaction may be tried again at once. */
const SERIALIZATION_FAILURE = "40001";
const DEADLOCK_DETECTED = "40P01";
/** Also where two write one row that is new in two indexes, of which ON CONFLICT names one: the second finds it when it tries again. */
const UNIQUE_VIOLATION = "23505";
const REPEATED: ReadonlySet<string | undefined> = new Set([SERIALIZATION_FAILURE, DEADLOCK_DETECTED, UNIQUE_VIOLATION]);
/** Of a standby, and of a primary that was set so. */
const READ_ONLY_TRANSACTION = "25006";
/** Classes in which what was asked contradicts what is stored or what a column takes. */
const ASKERS_FAULT = /^(22|23)/;

/**
 * Whether the database said that the statement failed and the session goes on. Otherwise the connection is lost, or about to
 * be: of a COMMIT that ended so, nobody knows the outcome.
 */
export function isRefusal(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.severity === "ERROR";
}

/** Of one request: a stale connection or two writers that met fail once. */
const ATTEMPTS = 3;

/** Does what may be done twice, again where another attempt may go through. */
export async function repeating<T>(work: () => Promise<T>, attempts = ATTEMPTS): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= attempts || !isWorthRepeating(error)) throw error;
    }
  }
}

/** Whether another attempt may go through where this one did not: two writers met, or the connection was stale. */
export function isWorthRepeating(error: unknown): boolean {
  return isRefusal(error) ? REPEATED.has(error.code) : isLostConnection(error);
}

/** Whether this database takes no writes at all. */
export function isReadOnly(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === READ_ONLY_TRANSACTION;
}

/** Whether it is of what was asked, and would fail again. */
export function isAskersFault(error: unknown): boolean {
  return error instanceof DatabaseError && ASKERS_FAULT.test(error.code ?? "");
}

/** A statement that timed out is none: it was waited for long enough. */
function isLostConnection(error: unknown): boolean {
  return error instanceof DatabaseError || (error instanceof Error && /terminated|closed|ECONNRESET|EPIPE/.test(error.message));
}
