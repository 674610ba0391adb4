/** The pages of the documentation as a test reads them. */
import { readFileSync } from "node:fs";

const ROOT = new URL("../../", import.meta.url);

export function pageOf(path: string): string {
  return readFileSync(new URL(path, ROOT), "utf8");
}

/** The fenced code of one language, in the order of the page. */
export function codeOf(page: string, language: string): string[] {
  return [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, found]) => found === language).map(([, , code]) => code ?? "");
}
