import { readFileSync } from "node:fs";

/** The server's own, as its package has it. */
export function serverVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { readonly version: string };
  return manifest.version;
}
