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

const EMAIL = /[\w.%+-]+@([\w-]+\.)+[A-Za-z]{2,}/g;
/** International, or in groups as people write them; never a part of an id, a time or an address. */
const PHONE = /(?<![\w.:+-])(?:\+\d[\d ()-]{6,18}\d|\(?\d{2,5}\)?[ -]\d{3,4}[ -]?\d{3,5})(?![\w.:-])/g;

/** People's addresses do not belong in logs, wherever they came from: user ids, messages, errors (contract 50-sse "Redaction"). */
export function masked(line: string): string {
  return line.replace(EMAIL, "[e-mail]").replace(PHONE, "[phone]");
}
