/** PostgreSQL's texts hold every character but U+0000. */

/** "Data link escape": what follows it stands for a character that cannot stand for itself. */
const ESCAPE = "\u0010";
const NEEDS_ESCAPE = /[\u0000\u0010]/g;
const ESCAPED = /\u0010([01])/g;

/** No two texts become the same. */
export function escapeText(text: string): string {
  return text.includes("\u0000") || text.includes(ESCAPE)
    ? text.replace(NEEDS_ESCAPE, (character) => `${ESCAPE}${character === ESCAPE ? "1" : "0"}`)
    : text;
}

export function unescapeText(text: string): string {
  return text.includes(ESCAPE) ? text.replace(ESCAPED, (_, digit: string) => (digit === "1" ? ESCAPE : "\u0000")) : text;
}
