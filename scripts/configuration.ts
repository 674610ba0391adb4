/** `docs/configuration.md`, made of the table that the server itself reads. `npm run docs` writes it; a test compares. */
import { LIMITS } from "../packages/server/src/config/limits.ts";
import { settings } from "../packages/server/src/config/settings.ts";

const HEAD = `# Configuration

Every setting is an environment variable and a flag of \`broadtape serve\`: the variable without \`BROADTAPE_\`, in kebab case
(\`BROADTAPE_JWT_SECRET\`, \`--jwt-secret\`). The flag wins. A secret may come from a file: \`BROADTAPE_JWT_SECRET_FILE\`, \`--jwt-secret-file\`.
A wrong setting ends the start with one line that names the variable. This page is written by \`npm run docs\`.
`;

/** Bars would end the cell. */
const cell = (text: string): string => text.replaceAll("|", "\\|");

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.map(cell).join(" | ")} |`);
  return `${lines.join("\n")}\n`;
}

export function configurationPage(): string {
  const rows = Object.values(settings).map((each) => [`\`${each.variable}\``, each.meaning, each.defaultNote ?? each.default ?? "none"]);
  const limits = LIMITS.map(({ name, bounds, default: value, unit }) => [
    `\`BROADTAPE_LIMIT_${name}\``,
    bounds,
    `${value.toLocaleString("en")} ${unit}`,
  ]);
  return [HEAD, table(["variable", "what", "default"], rows), "## Limits\n", table(["variable", "what it bounds", "default"], limits)].join(
    "\n",
  );
}
