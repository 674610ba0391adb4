/** The server's settings as flags. */
import { type Command, Option } from "commander";
import { allSettings, limitSettings, type Setting } from "@broadtape/server/config/settings";
import type { Flags } from "@broadtape/server/config/sources";

const LIMITS = new Set<Setting>(Object.values(limitSettings));

/** Adds a flag for each setting, whose help names variable, meaning and default. */
export function addSettingOptions(command: Command, settings: readonly Setting[] = allSettings): void {
  for (const setting of settings) {
    const value = setting.isSwitch ? `[${setting.placeholder}]` : `<${setting.placeholder}>`;
    const option = new Option(`--${setting.flag} ${value}`, `${setting.meaning} (${setting.variable}; default: ${defaultOf(setting)})`);
    command.addOption(option.helpGroup(LIMITS.has(setting) ? "Limits:" : "Settings:"));
    if (!setting.isSecret) continue;
    const file = new Option(`--${setting.flag}-file <path>`, `file that holds --${setting.flag} (${setting.variable}_FILE)`);
    command.addOption(file.helpGroup("Settings:"));
  }
}

function defaultOf(setting: Setting): string {
  return setting.defaultNote ?? setting.default ?? "none";
}

/** The flags that were given, by name without dashes. */
export function flagsOf(command: Command): Flags {
  const given: Record<string, string> = {};
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (option.long === undefined || (typeof value !== "string" && value !== true)) continue;
    // A switch without a value.
    given[option.long.slice(2)] = value === true ? "on" : value;
  }
  return given;
}
