/** What must not be seen, wherever a publisher put it (contract 70-details "redaction"). */

const HIDDEN: ReadonlySet<string> = new Set([
  "password",
  "passwd",
  "secret",
  "token",
  "accesstoken",
  "refreshtoken",
  "apikey",
  "authorization",
  "cookie",
  "pin",
  "cvv",
  "cardnumber",
  "pan",
  "accountnumber",
  "iban",
  "privatekey",
]);

const REDACTED = "[redacted]";
const SEPARATORS = /[^\p{L}\p{N}]/gu;

/** The value with what such keys hold hidden, at any depth; the same object where there is nothing to hide. */
export function redact<T>(value: T): T {
  return redacted(value) as T;
}

function redacted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(redacted);
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  const entries = Object.entries(value).map(([key, each]): [string, unknown] => [key, isHidden(key) ? REDACTED : redacted(each)]);
  return entries.some(([key, each]) => each !== Reflect.get(value, key)) ? Object.fromEntries(entries) : value;
}

function isHidden(key: string): boolean {
  return HIDDEN.has(key.replace(SEPARATORS, "").toLowerCase());
}
