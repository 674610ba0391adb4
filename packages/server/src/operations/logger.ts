/** Structured logs, one line a fact, without secrets (contract 00-common: a token is never logged). */
import { type Logger, pino } from "pino";

const REDACTED = [
  "req.headers.authorization",
  "req.headers.cookie",
  "headers.authorization",
  "headers.cookie",
  "token",
  "*.token",
  "secret",
  "*.secret",
];

export function createLogger(level: string, destination?: NodeJS.WritableStream): Logger {
  const options = {
    level,
    redact: { paths: REDACTED, censor: "[redacted]" },
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    hooks: { streamWrite: masked },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** Where something may begin in JSON text: after an escape, which is not to be broken, or after none of the letters `but`. */
const startUnless = (but: string) => String.raw`(?:(?<=\\(?:[bfnrt]|u[0-9a-f]{4}))|(?<=(?<!\\)(?:\\\\)+)|(?<![\\${but}]))`;
const LOCAL = String.raw`\p{L}\p{N}_.%+\-`;
/** In any script, and as it stands in a URL. */
const EMAIL = new RegExp(String.raw`${startUnless(LOCAL)}[${LOCAL}]+(?:@|%40)(?:[\p{L}\p{N}\-]+\.)+\p{L}{2,}`, "gu");
/** International, or in groups as people write them; never a part of an id, a time or an address. */
const PHONE = new RegExp(
  String.raw`${startUnless(String.raw`\w.+\-`)}\+\d[\d \(\).\/\-]{6,18}\d(?![\w:\-])` +
    String.raw`|${startUnless(String.raw`\w.:+\-`)}\(?\d{2,5}\)?[ \-]\d{3,4}[ \-]?\d{3,5}(?![\w.:\-])`,
  "gu",
);

/** People's addresses do not belong in logs, wherever they came from: user ids, messages, errors (contract 50-sse "Redaction"). */
export function masked(line: string): string {
  return line.replace(EMAIL, "[e-mail]").replace(PHONE, "[phone]");
}
