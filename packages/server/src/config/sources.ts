/** Where the text of a setting comes from: flag, environment, file, alias or default, in this order. */
import { readFileSync } from "node:fs";
import { allSettings, CLIENT_VARIABLES, type Setting } from "./settings.ts";

/** As `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;
/** Values of flags by their name without dashes: `{"jwt-issuer": "https://..."}`. */
export type Flags = Readonly<Record<string, string | undefined>>;

export type SettingText =
  | {
      readonly kind: "text";
      readonly text: string;
      /** As the user knows it: `PORT`, `--port`, `BROADTAPE_JWT_SECRET_FILE`; undefined for a default. */
      readonly from: string | undefined;
    }
  | { readonly kind: "none" }
  | { readonly kind: "fault"; readonly fault: string };

/** Answers each setting once, so that a secret's file is read once. */
export function openSources(env: Environment, flags: Flags): (setting: Setting) => SettingText {
  const answers = new Map<Setting, SettingText>();
  return (setting) => {
    const answer = answers.get(setting) ?? textOf(setting, env, flags);
    answers.set(setting, answer);
    return answer;
  };
}

/** An empty value counts as missing, as it does where compose files and shells pass on what is not set. */
export function textOf(setting: Setting, env: Environment, flags: Flags): SettingText {
  const levels = [
    { direct: setting.flag, file: `${setting.flag}-file`, values: flags, name: (key: string) => `--${key}` },
    { direct: setting.variable, file: `${setting.variable}_FILE`, values: env, name: (key: string) => key },
  ];
  for (const { direct, file, values, name } of levels) {
    const text = given(values[direct]);
    const path = setting.isSecret ? given(values[file]) : undefined;
    if (text !== undefined && path !== undefined)
      return { kind: "fault", fault: `${name(direct)}: is set beside ${name(file)}; give one of them` };
    if (text !== undefined) return { kind: "text", text, from: name(direct) };
    if (path !== undefined) return readSecret(path, name(file));
  }
  const aliased = setting.alias === undefined ? undefined : given(env[setting.alias]);
  if (aliased !== undefined) return { kind: "text", text: aliased, from: setting.alias };
  return setting.default === undefined ? { kind: "none" } : { kind: "text", text: setting.default, from: undefined };
}

function given(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === "" ? undefined : value;
}

function readSecret(path: string, from: string): SettingText {
  try {
    const text = readFileSync(path, "utf8").replace(/\r?\n$/, "");
    return text === "" ? { kind: "fault", fault: `${from}: ${path} is empty` } : { kind: "text", text, from };
  } catch (error) {
    return { kind: "fault", fault: `${from}: ${path} cannot be read (${error instanceof Error ? error.message : String(error)})` };
  }
}

/** One fault a variable that has our prefix and no meaning: a misspelt limit must not be a limit that is not there. */
export function unknownVariables(env: Environment): string[] {
  const known = [...allSettings.flatMap(namesOf), ...CLIENT_VARIABLES];
  return Object.keys(env)
    .filter((name) => name.startsWith("BROADTAPE_") && !known.includes(name))
    .sort()
    .map((name) => `${name}: is not a setting; the nearest is ${nearest(name, known)}`);
}

function namesOf(setting: Setting): string[] {
  return setting.isSecret ? [setting.variable, `${setting.variable}_FILE`] : [setting.variable];
}

function nearest(name: string, known: readonly string[]): string {
  const ranked = known.map((candidate) => ({ candidate, distance: editDistance(name, candidate) }));
  return ranked.reduce((best, each) => (each.distance < best.distance ? each : best)).candidate;
}

/** Levenshtein's: insertions, deletions and replacements from one text to the other. Names are short; long ones are cut. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [index, letter] of Array.from(a.slice(0, 100)).entries()) {
    const next = [index + 1];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (letter === b[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
