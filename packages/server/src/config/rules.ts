/** What holds between settings; faults go on the common list. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { checkJwks } from "../access/jwks.ts";
import { type Keys, keptSecretFile } from "../access/keys.ts";
import type { NatsPublishing, Notify } from "../config.ts";
import type { LimitKey, Limits } from "./limits.ts";
import { limitSettings, type Setting, settings } from "./settings.ts";
import type { Environment } from "./sources.ts";

/** What was given, while it is read. */
export interface Given {
  /** The checked value; undefined where none was given, and where there was a fault, which is then on the list. */
  readonly read: <T>(setting: Setting<T>) => T | undefined;
  readonly isSet: (setting: Setting) => boolean;
  readonly faults: string[];
}

/** Undefined with a fault on the list. */
export function chooseKeys({ read, isSet, faults }: Given, demo: boolean, dataDirectory: string): Keys | undefined {
  const secretName = settings.jwtSecret.variable;
  const jwksName = settings.jwks.variable;
  if (isSet(settings.jwtSecret) && isSet(settings.jwks)) {
    faults.push(`${secretName}: is set beside ${jwksName}; give one of them`);
    return undefined;
  }
  if (isSet(settings.jwtSecret)) {
    const secret = read(settings.jwtSecret);
    return secret === undefined ? undefined : { kind: "secret", secret };
  }
  if (isSet(settings.jwks)) {
    const location = read(settings.jwks);
    if (location !== undefined) checkJwksFile(location, faults);
    return location === undefined ? undefined : { kind: "jwks", location };
  }
  if (demo) return { kind: "kept", file: keptSecretFile(dataDirectory) };
  faults.push(`${secretName}: is required (or ${jwksName}), unless ${settings.demo.variable} is on`);
  return undefined;
}

/** A file is looked into at once; a URL is asked when the first token comes, since its server may start after ours. */
function checkJwksFile(location: string, faults: string[]): void {
  if (!location.startsWith("file:")) return;
  try {
    checkJwks(readFileSync(fileURLToPath(location), "utf8"));
  } catch (error) {
    faults.push(`${settings.jwks.variable}: ${location} ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** One way for a notice, since it goes out at most once. Undefined where none was given, and where there was a fault, which is then on the list. */
export function chooseNotify({ read, isSet, faults }: Given): Notify | undefined {
  const needs = (first: Setting, second: Setting) => {
    if (isSet(first) && !isSet(second)) faults.push(`${second.variable}: is required with ${first.variable}`);
  };
  const { notifyWebhookUrl, notifyWebhookSecret, notifySmtpUrl, notifyFrom, notifyTo } = settings;
  needs(notifyWebhookUrl, notifyWebhookSecret);
  needs(notifySmtpUrl, notifyFrom);
  if (isSet(notifyWebhookUrl) && isSet(notifySmtpUrl))
    faults.push(`${notifySmtpUrl.variable}: is set beside ${notifyWebhookUrl.variable}; give one of them`);
  const [url, secret] = [read(notifyWebhookUrl), read(notifyWebhookSecret)];
  const [mailUrl, from, to] = [read(notifySmtpUrl), read(notifyFrom), read(notifyTo)];
  if (url !== undefined && secret !== undefined) return { kind: "webhook", url, secret };
  if (mailUrl !== undefined && from !== undefined && to !== undefined) return { kind: "smtp", url: mailUrl, from, to };
  return undefined;
}

/** Who asks for several nodes must not find out from their events that each is alone. */
export function chooseNats({ read, isSet, faults }: Given): string | undefined {
  const { natsUrl, databaseUrl } = settings;
  if (isSet(natsUrl) && !isSet(databaseUrl))
    faults.push(`${natsUrl.variable}: needs ${databaseUrl.variable}: NATS only carries, several nodes share what the database keeps`);
  return read(natsUrl);
}

/** Undefined: nobody publishes over NATS. */
export function chooseNatsPublishing({ read }: Given, natsUrl: string | undefined): NatsPublishing | undefined {
  const url = read(settings.natsPublishUrl) ?? natsUrl;
  const subject = read(settings.natsPublishSubject);
  return url === undefined || subject === undefined ? undefined : { url, subject };
}

/** Of a node that nobody named. */
export function randomNodeName(): string {
  return `node-${randomBytes(4).toString("hex")}`;
}

export function checkLimits({ faults }: Given, limits: Limits): void {
  const atMost = (lower: LimitKey, upper: LimitKey) => {
    if (limits[lower] > limits[upper]) faults.push(`${limitSettings[lower].variable}: must not be above ${limitSettings[upper].variable}`);
  };
  atMost("behindBytes", "unsentBytes");
}

/** Often set for other programs, so they warn and do not keep the server from starting as our own names do. */
export function warningsOf(env: Environment): string[] {
  return ["DATABASE_URL", "NATS_URL"]
    .filter((name) => (env[name] ?? "") !== "")
    .map((name) => `${name} is set and not used: the server reads BROADTAPE_${name}`);
}
