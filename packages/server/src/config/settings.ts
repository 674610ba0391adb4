/** Every setting of the server, once: variable, flag, default, meaning and check (contract 00-common "Configuration", 70-details "more settings"). */
import type { z } from "zod";
import { LIMITS, type Limit, type LimitKey, limitKey } from "./limits.ts";
import * as values from "./values.ts";

export interface Setting<T = unknown> {
  /** The environment variable. */
  readonly variable: string;
  /** The flag without dashes: the variable without prefix in kebab case. */
  readonly flag: string;
  readonly meaning: string;
  /** What help shows as the flag's value. */
  readonly placeholder: string;
  /** Text that stands in for a missing one. */
  readonly default: string | undefined;
  /** Words for the default where it is no text. */
  readonly defaultNote: string | undefined;
  /** Secrets are hidden in print and may come from a file: `<VARIABLE>_FILE`, `--<flag>-file`. */
  readonly isSecret: boolean;
  /** A name that other programs use for the same; read where the own one is missing. */
  readonly alias: string | undefined;
  /** For switches: the flag alone means `on`. */
  readonly isSwitch: boolean;
  readonly schema: z.ZodType<T, string>;
}

type Extras = Partial<Omit<Setting, "variable" | "flag" | "meaning" | "schema">>;

function setting<T>(variable: string, schema: z.ZodType<T, string>, meaning: string, extras: Extras = {}): Setting<T> {
  const flag = variable
    .replace(/^BROADTAPE_/, "")
    .toLowerCase()
    .replaceAll("_", "-");
  const defaults = { placeholder: "text", default: undefined, defaultNote: undefined, isSecret: false, alias: undefined, isSwitch: false };
  return { variable, flag, meaning, schema, ...defaults, ...extras };
}

/** By name in the code. Without a default, the value may be undefined. */
export const settings = {
  port: setting("PORT", values.port, "port that it listens on; 0: any free one", { default: "3000", placeholder: "port" }),
  host: setting("HOST", values.text, "address that it listens on", { default: "127.0.0.1", placeholder: "address" }),
  dataDirectory: setting("BROADTAPE_DATA_DIR", values.text, "directory of the embedded log and registry", {
    default: "./data",
    placeholder: "path",
  }),
  jwtSecret: setting("BROADTAPE_JWT_SECRET", values.jwtSecret, "HS256 secret of the tokens, at least 32 bytes", {
    isSecret: true,
    placeholder: "secret",
    defaultNote: "with the demo: made on first start and kept in the data directory; else this or BROADTAPE_JWKS is required",
  }),
  jwks: setting("BROADTAPE_JWKS", values.urlOrFile, "URL or file of the keys of the tokens: RS256, ES256 or EdDSA", {
    placeholder: "url|path",
  }),
  jwtIssuer: setting("BROADTAPE_JWT_ISSUER", values.text, "`iss` that tokens must have"),
  jwtAudience: setting("BROADTAPE_JWT_AUDIENCE", values.text, "`aud` that tokens must have"),
  demo: setting("BROADTAPE_DEMO", values.onOff, "replay of recorded data, demo users, console sign-in", {
    default: "off",
    defaultNote: "off; `npm start` sets it on",
    placeholder: "on|off",
    isSwitch: true,
  }),
  symbols: setting("BROADTAPE_SYMBOLS", values.symbols, "symbols that may be published and followed, comma separated", {
    placeholder: "list",
    defaultNote: "learned from the feed",
  }),
  publicTenant: setting("BROADTAPE_PUBLIC_TENANT", values.tenant, "tenant whose prices everybody sees", {
    default: "public",
    placeholder: "tenant",
  }),
  corsOrigins: setting(
    "BROADTAPE_CORS_ORIGINS",
    values.corsOrigins,
    "origins of other sites that may call, comma separated; * never with credentials",
    {
      alias: "CORS_ORIGINS",
      placeholder: "list",
      defaultNote: "none: same origin",
    },
  ),
  trustProxy: setting(
    "BROADTAPE_TRUST_PROXY",
    values.trustProxy,
    "proxies whose X-Forwarded-For tells the client's address, comma separated",
    {
      placeholder: "list",
      defaultNote: "none",
    },
  ),
  retention: setting(
    "BROADTAPE_RETENTION",
    values.retention,
    "how far back the log can be replayed; a part that is left out keeps its default",
    {
      default: "7d / 10 GiB",
      placeholder: "age / size",
    },
  ),
  dedupeWindow: setting("BROADTAPE_DEDUPE_WINDOW", values.durationOrForever, "how long a repeated event id is recognised, or forever", {
    placeholder: "duration",
    defaultNote: "the age of BROADTAPE_RETENTION",
  }),
  databaseUrl: setting("BROADTAPE_DATABASE_URL", values.databaseUrl, "PostgreSQL that keeps log and registry of all nodes that share it", {
    isSecret: true,
    placeholder: "url",
    defaultNote: "none: both are embedded",
  }),
  natsUrl: setting("BROADTAPE_NATS_URL", values.natsUrl, "NATS that carries events from node to node, comma separated servers", {
    isSecret: true,
    placeholder: "list",
    defaultNote: "none: nodes hear of each other by LISTEN and NOTIFY of the database",
  }),
  natsPublishUrl: setting("BROADTAPE_NATS_PUBLISH_URL", values.natsUrl, "NATS over which services publish, comma separated servers", {
    isSecret: true,
    placeholder: "list",
    defaultNote: "BROADTAPE_NATS_URL",
  }),
  natsPublishSubject: setting("BROADTAPE_NATS_PUBLISH_SUBJECT", values.natsSubject, "subject of their requests", {
    default: "broadtape.publish",
    placeholder: "subject",
  }),
  node: setting("BROADTAPE_NODE", values.nodeName, "name of this node for proxies and operators, no other node's", {
    placeholder: "name",
    defaultNote: "made at random at each start",
  }),
  notifyWebhookUrl: setting("BROADTAPE_NOTIFY_WEBHOOK_URL", values.webUrl, "where notifications are posted; this or a mail server", {
    isSecret: true,
    placeholder: "url",
  }),
  notifyWebhookSecret: setting("BROADTAPE_NOTIFY_WEBHOOK_SECRET", values.text, "key of their HMAC-SHA256 signature", {
    isSecret: true,
    placeholder: "secret",
  }),
  notifySmtpUrl: setting("BROADTAPE_NOTIFY_SMTP_URL", values.smtpUrl, "mail server for notifications", {
    isSecret: true,
    placeholder: "url",
  }),
  notifyFrom: setting("BROADTAPE_NOTIFY_FROM", values.mailbox, "sender of notifications by mail", { placeholder: "address" }),
  notifyTo: setting(
    "BROADTAPE_NOTIFY_TO",
    values.addressRule,
    "receiver of notifications by mail: an address in which {userId} and {tenant} stand for those of the event",
    { default: "{userId}", placeholder: "address", defaultNote: "{userId}: user ids are addresses" },
  ),
  logLevel: setting("LOG_LEVEL", values.logLevel, `how much is logged: ${values.LOG_LEVELS.join(", ")}`, {
    default: "info",
    placeholder: "level",
  }),
} as const;

/** One setting a limit of the table. */
export const limitSettings: Readonly<Record<LimitKey, Setting<number>>> = Object.fromEntries(
  LIMITS.map((limit) => [limitKey(limit.name), limitSetting(limit)]),
) as Readonly<Record<LimitKey, Setting<number>>>;

function limitSetting(limit: Limit): Setting<number> {
  return setting(`BROADTAPE_LIMIT_${limit.name}`, values.limit(limit), limit.bounds, {
    default: defaultText(limit),
    placeholder: limit.unit,
  });
}

/** `65536` bytes read better as `64 KiB`. */
function defaultText({ unit, default: value }: Limit): string {
  if (unit !== "bytes") return String(value);
  return value % 2 ** 20 === 0 ? `${value / 2 ** 20} MiB` : `${value / 2 ** 10} KiB`;
}

/** In the order in which help and documentation show them. */
export const allSettings: readonly Setting[] = [...Object.values(settings), ...Object.values(limitSettings)];

/** Variables with our prefix that are not the server's: `publish`, `tail` and the demo read them. */
export const CLIENT_VARIABLES: readonly string[] = ["BROADTAPE_URL", "BROADTAPE_TOKEN"];
