/** `broadtape token`: prints a token, signed with the configured secret (contract 00-common "Settled"). */
import type { Command } from "commander";
import { issueToken } from "@broadtape/server/access/issue";
import { readConfig } from "@broadtape/server/config";
import { settings } from "@broadtape/server/config/settings";
import { parseDuration } from "@broadtape/server/config/values";
import { EXIT, type Finish } from "./exit-codes.ts";
import { complain, type Io, say } from "./io.ts";
import { addSettingOptions, flagsOf } from "./setting-options.ts";

interface TokenOptions {
  readonly sub: string;
  readonly tenant: string;
  readonly permissions?: string;
  readonly team?: string;
  readonly name?: string;
  readonly ttl: string;
}

const KEY_SETTINGS = [settings.dataDirectory, settings.jwtSecret, settings.jwks, settings.jwtIssuer, settings.jwtAudience];

export function addToken(program: Command, io: Io, finish: Finish): void {
  const command = program
    .command("token")
    .description("Print a token, signed with the configured secret; without one, with the demo's in the data directory.")
    .requiredOption("--sub <user>", "user id")
    .requiredOption("--tenant <tenant>", "tenant")
    .option("--permissions <list>", "permissions, comma separated: events:publish, rfq:read:team, ...")
    .option("--team <list>", "ids of the traders whose work this user may see, comma separated")
    .option("--ttl <duration>", "how long it is good for: 90s, 1h, 7d", "1h")
    .option("--name <name>", "name to show")
    .action(async (options: TokenOptions) => {
      const ttlMs = parseDuration(options.ttl);
      if (ttlMs === undefined || ttlMs === 0) {
        complain(io, ["--ttl: must be a duration above 0 such as 90s, 1h or 7d"]);
        finish(EXIT.failed);
        return;
      }
      // With the demo on, a secret that is missing is the demo's, which the server will then find.
      const config = readConfig(io.env, { ...flagsOf(command), demo: "on" });
      const { sub, tenant, name } = options;
      const claims = { sub, tenantId: tenant, name, permissions: listOf(options.permissions), team: listOf(options.team) };
      say(io.stdout, await issueToken(config.keys, claims, ttlMs, config));
    });
  addSettingOptions(command, KEY_SETTINGS);
}

/** Undefined for an empty list, which the token then leaves out. */
function listOf(text: string | undefined): string[] | undefined {
  const list = (text ?? "").split(",").map((item) => item.trim());
  const given = list.filter((item) => item !== "");
  return given.length === 0 ? undefined : given;
}
