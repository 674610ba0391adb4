/** Which part of the page an address shows. The page may lie under a prefix: only the last segment counts. */

export const PARTS = ["desk", "operations", "try"] as const;

export type Part = (typeof PARTS)[number];

/** `/operations` shows the operator's console, `/try` trying things out, everything else the desk. */
export function partOf(pathname: string): Part {
  const last = pathname.split("/").at(-1);
  return last === "operations" || last === "try" ? last : "desk";
}

/** Relative to the page, and with who is signed in. */
export function addressOf(part: Part, search: string): string {
  return `${part === "desk" ? "./" : part}${search}`;
}
