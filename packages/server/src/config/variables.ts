/** Every variable but the limits: its check, its default and what it means (contract 00-common "Configuration", 70-details "more settings"). */
import { z } from "zod";

const list = z.string().transform((text) => text.split(",").map((item) => item.trim()).filter(Boolean));
const onOff = z.enum(["on", "off"], { error: "must be on or off" }).transform((value) => value === "on");
const url = (protocols: string) => z.url({ protocol: new RegExp(`^(${protocols})$`), error: `must be a URL with ${protocols.replaceAll("|", " or ")}` });

/** "7d / 10 GiB": either part may be left out. */
const retention = z.string().transform((text, context) => {
  const result = { maxAgeMs: 7 * 86_400_000, maxBytes: 10 * 2 ** 30 };
  for (const part of text.split("/").map((each) => each.trim())) {
    const age = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(part);
    const size = /^(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|TiB)$/i.exec(part);
    if (age?.[1] !== undefined && Number(age[1]) > 0) result.maxAgeMs = Number(age[1]) * unitOf(TIME_UNITS, age[2]);
    else if (size?.[1] !== undefined && Number(size[1]) > 0) result.maxBytes = Number(size[1]) * unitOf(SIZE_UNITS, size[2]?.toLowerCase());
    else context.addIssue({ code: "custom", message: 'must read like "7d / 10 GiB"' });
  }
  return result;
});

const duration = z.string().transform((text, context) => {
  const parts = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(text.trim());
  if (parts?.[1] === undefined) {
    context.addIssue({ code: "custom", message: 'must read like "24h"' });
    return z.NEVER;
  }
  return Number(parts[1]) * unitOf(TIME_UNITS, parts[2]);
});

const TIME_UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_UNITS = { b: 1, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 };

function unitOf(units: Readonly<Record<string, number>>, unit: string | undefined): number {
  return units[unit ?? ""] ?? 1;
}

const later = z.undefined({ error: "is for several nodes, which are not in this release" });

export interface Variable {
  readonly schema: z.ZodType;
  readonly meaning: string;
  /** As text, for the help; undefined where there is none. */
  readonly byDefault?: string;
  /** May be read from the file that `{NAME}_FILE` names; never printed. */
  readonly secret?: true;
  /** Other names that are read when this one is not set. */
  readonly aliases?: readonly string[];
}

export const VARIABLES = {
  PORT: { schema: z.coerce.number({ error: "must be a port number" }).int().min(0).max(65_535), meaning: "port to listen on (0: any free one)", byDefault: "3000" },
  HOST: { schema: z.string().min(1), meaning: "address to listen on", byDefault: "127.0.0.1" },
  LOG_LEVEL: { schema: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]), meaning: "least level that is logged", byDefault: "info" },
  BROADTAPE_DATA_DIR: { schema: z.string().min(1), meaning: "folder of the embedded log and registry", byDefault: "./data" },
  BROADTAPE_JWT_SECRET: {
    schema: z.string().refine((secret) => Buffer.byteLength(secret) >= 32, "must be at least 32 bytes"),
    meaning: "HS256 secret for tokens, at least 32 bytes",
    secret: true,
  },
  BROADTAPE_JWKS: { schema: z.string().min(1), meaning: "URL or file of the keys for tokens (RS256, ES256, EdDSA)" },
  BROADTAPE_JWT_ISSUER: { schema: z.string().min(1), meaning: "required `iss` of tokens" },
  BROADTAPE_JWT_AUDIENCE: { schema: z.string().min(1), meaning: "required `aud` of tokens" },
  BROADTAPE_DEMO: { schema: onOff, meaning: "recorded data, demo users, console sign-in: on or off", byDefault: "off" },
  BROADTAPE_SYMBOLS: { schema: list, meaning: "the symbol universe, comma separated (default: learned from the feed)" },
  BROADTAPE_PUBLIC_TENANT: { schema: z.string().min(1).max(128), meaning: "tenant whose prices everybody sees", byDefault: "public" },
  BROADTAPE_CORS_ORIGINS: { schema: list, meaning: "allowed origins, comma separated (default: same origin)", aliases: ["CORS_ORIGINS"] },
  BROADTAPE_TRUST_PROXY: { schema: list, meaning: "addresses or networks of proxies whose X-Forwarded-For counts" },
  BROADTAPE_RETENTION: { schema: retention, meaning: "how far back the log can be replayed", byDefault: "7d / 10 GiB" },
  BROADTAPE_DEDUPE_WINDOW: { schema: duration, meaning: "how long source + id are remembered (default: retention)" },
  BROADTAPE_DATABASE_URL: { schema: later, meaning: "PostgreSQL for several nodes; not in this release", aliases: ["DATABASE_URL"] },
  BROADTAPE_NATS_URL: { schema: later, meaning: "NATS between several nodes; not in this release", aliases: ["NATS_URL"] },
  BROADTAPE_NOTIFY_WEBHOOK_URL: { schema: url("https?"), meaning: "where unseen fraud alerts are posted (used by the transaction feed)" },
  BROADTAPE_NOTIFY_WEBHOOK_SECRET: { schema: z.string().min(16), meaning: "key of the webhook's signature", secret: true },
  BROADTAPE_NOTIFY_SMTP_URL: { schema: url("smtps?"), meaning: "mail server for unseen fraud alerts (used by the transaction feed)", secret: true },
  BROADTAPE_NOTIFY_FROM: { schema: z.string().min(3), meaning: "sender of those mails" },
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof VARIABLES;
export const VARIABLE_NAMES = Object.keys(VARIABLES).filter((name): name is VariableName => name in VARIABLES);

/** A variable's flag: its name without prefix in kebab case. */
export function flagOf(variable: string): string {
  return `--${variable.replace(/^BROADTAPE_/, "").toLowerCase().replaceAll("_", "-")}`;
}
