/** axe over a page. */
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "playwright-core";

interface Part {
  /** Selectors of what is looked at; default: everything. */
  readonly include?: readonly string[];
  /** Selector of what is left out. */
  readonly exclude?: string;
  /** Default: by every rule. */
  readonly rule?: "color-contrast";
}

/** Its serious findings in the dark and in the light, which differ in their colours alone. */
export async function seriousFindingsInBothThemes(page: Page, part: Part = {}): Promise<string[]> {
  await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
  const inTheDark = await seriousFindings(page, part);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  return [...inTheDark, ...(await seriousFindings(page, { ...part, rule: "color-contrast" }))];
}

/** Its serious findings on the page as it stands. */
export async function seriousFindings(page: Page, { include = [], exclude, rule }: Part = {}): Promise<string[]> {
  const axe = new AxeBuilder({ page }).options({ resultTypes: ["violations"] });
  for (const selector of include) axe.include(selector);
  if (exclude !== undefined) axe.exclude(exclude);
  if (rule !== undefined) axe.withRules(rule);
  const { violations } = await axe.analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}
