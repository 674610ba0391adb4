/** How configured text becomes values. Every schema takes the text and names in its message what it wants. */
import { isIP } from "node:net";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { SYMBOL } from "@broadtape/protocol/products/market-data/schema";
import { type Limit, maximumOf } from "./limits.ts";
import { isAddressRule, parseMailbox } from "./mail.ts";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const UNIT_BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** `90s`, `1.5h`, `7 d` → milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  return measure(text, UNIT_MS);
}

/** `10 GiB`, `500MB` → bytes; undefined for anything else. */
export function parseBytes(text: string): number | undefined {
  return measure(text, UNIT_BYTES);
}

function measure(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = /^\s*(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]+)\s*$/i.exec(text) ?? [];
  const factor = unit === undefined || !Object.hasOwn(units, unit.toLowerCase()) ? undefined : units[unit.toLowerCase()];
  if (digits === undefined || factor === undefined) return undefined;
  const value = Math.round(Number(digits) * factor);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** A schema from a function that answers undefined for text that it does not take. */
function parsed<T>(parse: (text: string) => T | undefined, wants: string): z.ZodType<T, string> {
  return z.string().transform((text, context) => {
    const value = parse(text.trim());
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message: wants });
    return z.NEVER;
  });
}

export const text = z.string().trim().min(1, "must not be empty");

export const onOff = parsed((value) => {
  const lower = value.toLowerCase();
  if (["on", "true", "1", "yes"].includes(lower)) return true;
  return ["off", "false", "0", "no"].includes(lower) ? false : undefined;
}, "must be on or off");

export const port = parsed(
  (value) => (/^\d{1,5}$/.test(value) && Number(value) <= 65_535 ? Number(value) : undefined),
  "must be a port: 0 to 65535",
);

/** Of no length is none. */
function lengthOf(value: string): number | undefined {
  const ms = parseDuration(value);
  return ms === 0 ? undefined : ms;
}

export const duration = parsed(lengthOf, "must be a duration above 0 such as 30s, 12h or 7d");

/** Infinity is a duration too. */
export const durationOrForever = parsed(
  (value) => (value.toLowerCase() === "forever" ? Infinity : lengthOf(value)),
  "must be a duration above 0 such as 30s, 12h or 7d, or forever",
);

export interface Retention {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

/** One part left out keeps its default, so that the disk stays bounded. */
export const DEFAULT_RETENTION: Retention = { maxAgeMs: 7 * 86_400_000, maxBytes: 10 * 2 ** 30 };

export const retention = parsed((value): Retention | undefined => {
  const parts = value.split("/").map((part) => part.trim());
  if (parts.length > 2 || parts.every((part) => part === "")) return undefined;
  const found: { maxAgeMs?: number; maxBytes?: number } = {};
  for (const part of parts.filter((each) => each !== "")) {
    const age = parseDuration(part);
    const bytes = parseBytes(part);
    if (age !== undefined && age > 0 && found.maxAgeMs === undefined) found.maxAgeMs = age;
    else if (bytes !== undefined && bytes > 0 && found.maxBytes === undefined) found.maxBytes = bytes;
    else return undefined;
  }
  return { ...DEFAULT_RETENTION, ...found };
}, "must be an age, a size or both, such as 7d, 10 GiB or 7d / 10 GiB");

export const tenant = z.string().trim().min(1, "must not be empty").max(128, "must be at most 128 characters");

export const symbols = parsed((value) => {
  const list = commaList(value);
  return list.length > 0 && list.every((symbol) => SYMBOL.test(symbol)) ? list : undefined;
}, "must be symbols, comma separated: 1 to 64 letters, digits or / . _ : # @ = - each");

export const corsOrigins = parsed((value) => {
  const origins = commaList(value).map(originOf);
  return origins.includes(undefined) ? undefined : origins.filter((origin) => origin !== undefined);
}, "must be origins such as https://desk.example.com, comma separated, or *");

function originOf(value: string): string | undefined {
  if (value === "*") return value;
  const url = URL.parse(value);
  const isOrigin = url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  return isOrigin ? url.origin : undefined;
}

const NAMED_NETWORKS = ["loopback", "linklocal", "uniquelocal"];

/** Addresses, networks and names of networks, as Fastify's `trustProxy` takes them. */
export const trustProxy = parsed(
  (value) => {
    const list = commaList(value);
    return list.length > 0 && list.every(isNetwork) ? list : undefined;
  },
  `must be addresses or networks such as 10.0.0.0/8, or ${NAMED_NETWORKS.join(", ")}, comma separated`,
);

function isNetwork(value: string): boolean {
  if (NAMED_NETWORKS.includes(value)) return true;
  const [address = "", bits, ...rest] = value.split("/");
  const version = isIP(address);
  const isRange = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128));
  return version !== 0 && isRange && rest.length === 0;
}

export const webUrl = url(/^https?:$/, "must be an http or https URL");

/** Nothing but where and who: what else a URL can say would be taken by some mail programs and not by others. */
export const smtpUrl = parsed((value) => {
  const found = URL.parse(value);
  if (found === null || !/^smtps?:$/.test(found.protocol) || found.hostname === "") return undefined;
  const isBare = found.pathname.replace("/", "") === "" && found.search === "" && found.hash === "";
  return isBare && (found.username === "") === (found.password === "") ? value : undefined;
}, "must be smtp://host:port or smtps://host:port, with user:password@ before the host where it wants a login");

export const mailbox = parsed(parseMailbox, "must be an address such as alerts@bank.example or Fraud desk <alerts@bank.example>");

export const addressRule = parsed(
  (value) => (isAddressRule(value) ? value : undefined),
  "must be {userId}, or an address in which {userId} and {tenant} may stand, such as {userId}@bank.example",
);

export const databaseUrl = parsed((value) => {
  const found = URL.parse(value);
  return found !== null && /^postgres(ql)?:$/.test(found.protocol) && found.hostname !== "" && found.pathname.length > 1
    ? value
    : undefined;
}, "must be postgres://user:password@host:port/database");

/** A name that URLs, file names and host names can spell. */
export const nodeName = parsed(
  (value) => (/^[A-Za-z0-9-]{1,63}$/.test(value) ? value : undefined),
  "must be 1 to 63 letters, digits or hyphens",
);

/** As the client library reads them: one user and password, before the first host, stands for all servers. */
export const natsUrl = parsed((value) => {
  const urls = value.split(",").map((part) => URL.parse(part.trim()));
  const isServer = (url: URL | null) => url !== null && /^(nats|tls):$/.test(url.protocol) && url.hostname !== "";
  return urls.every(isServer) ? value : undefined;
}, "must be nats://host:port, or tls:// where it has to be encrypted; several servers with commas between them");

/** Where services ask: not where nodes speak to each other, and not where the server or clients are answered. */
export const natsSubject = parsed(
  (value) => (/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(value) && !/^(broadtape\.log|_INBOX|_R_)(\.|$)/.test(value) ? value : undefined),
  "must be letters, digits, _ and - with dots between them, and not begin with broadtape.log or _INBOX",
);

function url(protocol: RegExp, wants: string): z.ZodType<string, string> {
  return parsed((value) => {
    const found = URL.parse(value);
    return found !== null && protocol.test(found.protocol) ? value : undefined;
  }, wants);
}

/** A URL, or a path of a file, which becomes a `file:` URL. */
export const urlOrFile = parsed((value) => {
  if (value === "") return undefined;
  if (!/^[a-z][a-z0-9+.-]+:/i.test(value)) return pathToFileURL(value).href;
  const found = URL.parse(value);
  return found !== null && /^(https?|file):$/.test(found.protocol) ? found.href : undefined;
}, "must be an http or https URL or the path of a file");

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const logLevel = parsed(
  (value) => LOG_LEVELS.find((level) => level === value.toLowerCase()),
  `must be one of ${LOG_LEVELS.join(", ")}`,
);

export const jwtSecret = z.string().refine((secret) => Buffer.byteLength(secret) >= 32, "must be at least 32 bytes");

/** A whole number, or a measure with its unit where the limit has one (`1 MiB`, `30s`). */
export function limit(of: Limit): z.ZodType<number, string> {
  const maximum = maximumOf(of);
  const example = of.unit === "bytes" ? " or a size such as 1 MiB" : of.unit === "ms" ? " or a duration such as 30s" : "";
  return parsed((value) => {
    const plain = /^\d{1,16}$/.test(value) ? Number(value) : undefined;
    const number = plain ?? (of.unit === "bytes" ? parseBytes(value) : of.unit === "ms" ? parseDuration(value) : undefined);
    return number !== undefined && number >= of.minimum && number <= maximum ? number : undefined;
  }, `must be a whole number from ${of.minimum} to ${maximum} (${of.unit})${example}`);
}

function commaList(value: string): string[] {
  const parts = value.split(",").map((part) => part.trim());
  return [...new Set(parts.filter((part) => part !== ""))];
}
