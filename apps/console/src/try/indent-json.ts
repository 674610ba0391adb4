/** JSON text on several lines. Nothing is parsed: every digit stays as it is. */

const STEP = "  ";

/** Indents valid JSON text; anything else comes out in some way. */
export function indentJson(text: string): string {
  let out = "";
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+|"/g)) {
    switch (token) {
      case "{":
      case "[":
        depth += 1;
        out += `${token}\n${STEP.repeat(depth)}`;
        break;
      case "}":
      case "]":
        depth = Math.max(0, depth - 1);
        out = /[[{]\s*$/.test(out) ? out.trimEnd() + token : `${out}\n${STEP.repeat(depth)}${token}`;
        break;
      case ",":
        out += `,\n${STEP.repeat(depth)}`;
        break;
      case ":":
        out += ": ";
        break;
      default:
        out += token;
    }
  }
  return out;
}
