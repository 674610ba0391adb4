/** Configuration: read once, checked whole, then passed around as plain data. Flags win over the environment. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { LIMITS, LIMIT_NAMES, type Limits, defaultLimits, limitVariable } from "./config/limits.ts";
import { VARIABLES, VARIABLE_NAMES, type Variable, type VariableName } from "./config/variables.ts";

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  readonly dataDirectory: string;
  readonly keys: { readonly secret: string } | { readonly jwks: string };
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  readonly demo: boolean;
  readonly symbols: readonly string[] | undefined;
  readonly publicTenant: string;
  readonly corsOrigins: readonly string[];
  readonly trustProxy: readonly string[];
  readonly retention: { readonly maxAgeMs: number; readonly maxBytes: number };
  readonly dedupeWindowMs: number;
  readonly limits: Limits;
}

/** What is wrong with the configuration: one line a fault, each naming its variable. */
export class BadConfig extends Error {
  override readonly name = "BadConfig";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join("\n"));
    this.faults = faults;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks everything. `flags`: variables given on the command line. Throws {@link BadConfig}. */
export function readConfig(env: Environment, flags: Environment = {}): Config {
  const faults: string[] = [];
  const given = { ...dropEmpty(env), ...dropEmpty(flags) };
  faults.push(...unknownNames(given));
  const values = new Map<VariableName, unknown>();
  for (const name of VARIABLE_NAMES) {
    const value = readOne(name, given, faults);
    if (value !== undefined) values.set(name, value);
  }
  const limits = readLimits(given, faults);
  const get = <T>(name: VariableName, schema: z.ZodType<T>): T | undefined => (values.has(name) ? schema.parse(values.get(name)) : undefined);
  const demo = get("BROADTAPE_DEMO", z.boolean()) ?? false;
  const dataDirectory = resolve(get("BROADTAPE_DATA_DIR", z.string()) ?? "data");
  const secret = get("BROADTAPE_JWT_SECRET", z.string());
  const jwks = get("BROADTAPE_JWKS", z.string());
  const wantsKeys = secret === undefined && jwks === undefined && !faults.some((fault) => fault.startsWith("BROADTAPE_JWT_SECRET"));
  if (secret !== undefined && jwks !== undefined) faults.push("BROADTAPE_JWKS: cannot be set together with BROADTAPE_JWT_SECRET");
  if (wantsKeys && !demo) faults.push("BROADTAPE_JWT_SECRET: required (or BROADTAPE_JWKS), unless BROADTAPE_DEMO is on");
  const corsOrigins = get("BROADTAPE_CORS_ORIGINS", z.array(z.string())) ?? [];
  for (const origin of corsOrigins) {
    if (origin !== "*" && !isOrigin(origin)) faults.push(`BROADTAPE_CORS_ORIGINS: ${origin} is not an origin like https://desk.example.com`);
  }
  if (faults.length > 0) throw new BadConfig(faults);
  const retention = get("BROADTAPE_RETENTION", z.object({ maxAgeMs: z.number(), maxBytes: z.number() })) ?? { maxAgeMs: 7 * 86_400_000, maxBytes: 10 * 2 ** 30 };
  return {
    host: get("HOST", z.string()) ?? "127.0.0.1",
    port: get("PORT", z.number()) ?? 3000,
    logLevel: get("LOG_LEVEL", z.string()) ?? "info",
    dataDirectory,
    keys: jwks !== undefined ? { jwks } : { secret: secret ?? demoSecret(dataDirectory) },
    issuer: get("BROADTAPE_JWT_ISSUER", z.string()),
    audience: get("BROADTAPE_JWT_AUDIENCE", z.string()),
    demo,
    symbols: get("BROADTAPE_SYMBOLS", z.array(z.string())),
    publicTenant: get("BROADTAPE_PUBLIC_TENANT", z.string()) ?? "public",
    corsOrigins,
    trustProxy: get("BROADTAPE_TRUST_PROXY", z.array(z.string())) ?? [],
    retention,
    dedupeWindowMs: get("BROADTAPE_DEDUPE_WINDOW", z.number()) ?? retention.maxAgeMs,
    limits,
  };
}

/** In demo mode a secret is made on the first start and kept, so that tokens outlive a restart. */
function demoSecret(dataDirectory: string): string {
  const file = join(dataDirectory, "demo-secret");
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  mkdirSync(dataDirectory, { recursive: true });
  const secret = randomBytes(32).toString("base64url");
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  return secret;
}

function readOne(name: VariableName, given: Environment, faults: string[]): unknown {
  const variable: Variable = VARIABLES[name];
  const [used, text] = textOf(name, variable, given, faults);
  if (text === undefined) return undefined;
  const result = variable.schema.safeParse(text);
  if (result.success) return result.data;
  faults.push(`${used}: ${result.error.issues[0]?.message ?? "is not valid"}`);
  return undefined;
}

function textOf(name: string, variable: Variable, given: Environment, faults: string[]): [used: string, text: string | undefined] {
  for (const each of [name, ...(variable.aliases ?? [])]) if (given[each] !== undefined) return [each, given[each]];
  const file = variable.secret === true ? given[`${name}_FILE`] : undefined;
  if (file === undefined) return [name, undefined];
  try {
    return [name, readFileSync(file, "utf8").trim()];
  } catch {
    faults.push(`${name}_FILE: ${file} cannot be read`);
    return [name, undefined];
  }
}

function readLimits(given: Environment, faults: string[]): Limits {
  const changes: Partial<Record<keyof Limits, number>> = {};
  for (const name of LIMIT_NAMES) {
    const text = given[limitVariable(name)];
    if (text === undefined) continue;
    const value = Number(text);
    const [, least] = LIMITS[name];
    if (text.trim() === "" || !Number.isFinite(value) || value < least) faults.push(`${limitVariable(name)}: must be a number of at least ${least}`);
    else changes[name] = value;
  }
  return defaultLimits(changes);
}

function unknownNames(given: Environment): string[] {
  const known = [...VARIABLE_NAMES, ...VARIABLE_NAMES.map((name) => `${name}_FILE`), ...LIMIT_NAMES.map(limitVariable)];
  // Set for the programs beside the server: command line, demo, tests.
  const foreign = ["BROADTAPE_URL", "BROADTAPE_TOKEN", "BROADTAPE_TEST_DIR"];
  return Object.keys(given)
    .filter((name) => name.startsWith("BROADTAPE_") && !known.includes(name) && !foreign.includes(name))
    .map((name) => `${name}: is not a setting; did you mean ${nearest(name, known)}?`);
}

function nearest(name: string, known: readonly string[]): string {
  const distance = (other: string) => {
    let row = Array.from({ length: other.length + 1 }, (_, index) => index);
    for (let i = 1; i <= name.length; i++) {
      const next = [i];
      for (let j = 1; j <= other.length; j++) {
        const swap = (row[j - 1] ?? 0) + (name[i - 1] === other[j - 1] ? 0 : 1);
        next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
      }
      row = next;
    }
    return row.at(-1) ?? Infinity;
  };
  return known.reduce((best, each) => (distance(each) < distance(best) ? each : best));
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

function dropEmpty(env: Environment): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ""));
}
