/** The configuration for people: what is set to what, and by what. Secrets stay hidden. */
import { allSettings } from "./settings.ts";
import { type Environment, type Flags, textOf } from "./sources.ts";

export interface SettingDescription {
  readonly variable: string;
  /** Undefined where nothing is set and there is no default. `(hidden)` for a secret. */
  readonly value: string | undefined;
  /** As the user knows it: `--port`, `PORT`, `BROADTAPE_JWT_SECRET_FILE`; `default` otherwise. */
  readonly from: string;
}

/** One entry a setting, in the order of the help. Does not check. */
export function describeConfig(env: Environment, flags: Flags = {}): SettingDescription[] {
  return allSettings.map((setting) => {
    const found = textOf(setting, env, flags);
    if (found.kind !== "text") return { variable: setting.variable, value: undefined, from: setting.defaultNote ?? "default" };
    return { variable: setting.variable, value: setting.isSecret ? "(hidden)" : found.text, from: found.from ?? "default" };
  });
}
