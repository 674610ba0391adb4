/** The deployment files as a test reads them. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const ROOT = new URL("../", import.meta.url);

/** By the path from the project's folder. */
export function textOf(path: string): string {
  return readFileSync(new URL(path, ROOT), "utf8");
}

/** The parser is the OpenAPI validator's, so that the lock needs no other. */
const yaml: { readonly parse: (text: string, options: { readonly merge: boolean }) => unknown } = createRequire(
  createRequire(import.meta.url).resolve("@seriousme/openapi-schema-validator"),
)("yaml");

/** What a text of one YAML document says. */
export function parseYaml(text: string): unknown {
  return yaml.parse(text, { merge: true });
}

/** In which a server that is told to stop ends, see the command line's `serve`. */
export const STOP_SECONDS = 10;
