/** The configuration, read once at start (contract 00-common "Configuration"). What each setting means stands in `config/settings.ts`. */
import { resolve } from "node:path";
import type { Keys } from "./access/keys.ts";
import { type Limits, limitKey, limitsFrom } from "./config/limits.ts";
import {
  checkLimits,
  chooseKeys,
  chooseNats,
  chooseNatsPublishing,
  chooseNotify,
  type Given,
  randomNodeName,
  warningsOf,
} from "./config/rules.ts";
import type { Mailbox } from "./config/mail.ts";
import { limitSettings, settings } from "./config/settings.ts";
import { type Environment, type Flags, openSources, unknownVariables } from "./config/sources.ts";
import { DEFAULT_RETENTION, type LogLevel, type Retention } from "./config/values.ts";

export interface Config {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Absolute. */
  readonly dataDirectory: string;
  /** Undefined: log and registry are embedded, in the data directory. */
  readonly databaseUrl: string | undefined;
  /** One or more servers, comma separated. Undefined: nodes that share a database hear of each other through it. */
  readonly natsUrl: string | undefined;
  /** Undefined: nobody publishes over NATS. */
  readonly natsPublishing: NatsPublishing | undefined;
  /** What people and proxies call this node: 1 to 63 letters, digits or hyphens. */
  readonly nodeName: string;
  readonly keys: Keys;
  /** `iss` that tokens must have, where set. */
  readonly issuer: string | undefined;
  /** `aud` that tokens must have, where set. */
  readonly audience: string | undefined;
  readonly demo: boolean;
  /** Undefined: learned from the feed. */
  readonly symbols: readonly string[] | undefined;
  readonly publicTenant: string;
  /** Origins as browsers send them; `*` among them lets every site in, without credentials. Empty: same origin. */
  readonly corsOrigins: readonly string[];
  /** Addresses and networks of proxies whose X-Forwarded-* counts. */
  readonly trustProxy: readonly string[];
  readonly retention: Retention;
  readonly dedupeWindowMs: number;
  /** Undefined: nobody is told by other means. */
  readonly notify: Notify | undefined;
  readonly logLevel: LogLevel;
  readonly limits: Limits;
  /** What the operator should know though it is no error; one line each. */
  readonly warnings: readonly string[];
}

/** Where services publish by request and reply. */
export interface NatsPublishing {
  /** One or more servers, comma separated. */
  readonly url: string;
  readonly subject: string;
}

/** Where notices go (contract 30-transactions "Fallback"). */
export type Notify =
  | { readonly kind: "webhook"; readonly url: string; readonly secret: string }
  | {
      readonly kind: "smtp";
      readonly url: string;
      readonly from: Mailbox;
      /** The rule for a user's address, see `addressFrom`. */
      readonly to: string;
    };

/** All that is wrong with a configuration: one line a fault, each naming its variable. */
export class BadConfig extends Error {
  override readonly name = "BadConfig";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join("\n"));
    this.faults = faults;
  }
}

/**
 * Reads and checks everything. Throws {@link BadConfig} with the full list.
 *
 * @param env as `process.env`
 * @param flags values of flags by name without dashes (`{"jwt-issuer": "..."}`); they win over the environment
 */
export function readConfig(env: Environment, flags: Flags = {}): Config {
  const faults = unknownVariables(env);
  const sources = openSources(env, flags);
  const read: Given["read"] = (setting) => {
    const source = sources(setting);
    if (source.kind === "none") return undefined;
    if (source.kind === "fault") {
      faults.push(source.fault);
      return undefined;
    }
    const checked = setting.schema.safeParse(source.text);
    if (checked.success) return checked.data;
    const name = source.from === undefined || source.from === setting.variable ? setting.variable : `${setting.variable} (${source.from})`;
    faults.push(`${name}: ${checked.error.issues[0]?.message ?? "is not valid"}`);
    return undefined;
  };
  const given: Given = { read, isSet: (setting) => sources(setting).kind !== "none", faults };

  // Where a fault was found, the value that stands in is never used.
  const demo = read(settings.demo) ?? false;
  const dataDirectory = resolve(read(settings.dataDirectory) ?? ".");
  const retention = read(settings.retention) ?? DEFAULT_RETENTION;
  const limits = limitsFrom((limit) => read(limitSettings[limitKey(limit.name)]) ?? limit.default);
  const natsUrl = chooseNats(given);
  const keys = chooseKeys(given, demo, dataDirectory);
  const config = {
    host: read(settings.host) ?? "127.0.0.1",
    port: read(settings.port) ?? 0,
    dataDirectory,
    databaseUrl: read(settings.databaseUrl),
    natsUrl,
    natsPublishing: chooseNatsPublishing(given, natsUrl),
    nodeName: read(settings.node) ?? randomNodeName(),
    issuer: read(settings.jwtIssuer),
    audience: read(settings.jwtAudience),
    demo,
    symbols: read(settings.symbols),
    publicTenant: read(settings.publicTenant) ?? "public",
    corsOrigins: read(settings.corsOrigins) ?? [],
    trustProxy: read(settings.trustProxy) ?? [],
    retention,
    dedupeWindowMs: read(settings.dedupeWindow) ?? retention.maxAgeMs,
    notify: chooseNotify(given),
    logLevel: read(settings.logLevel) ?? "info",
    limits,
    warnings: warningsOf(env),
  };
  checkLimits(given, limits);
  if (faults.length > 0 || keys === undefined) throw new BadConfig(faults);
  return { ...config, keys };
}
