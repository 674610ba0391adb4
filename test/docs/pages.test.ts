/** What the pages show is what the code says. */
import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { configurationPage } from "../../scripts/configuration.ts";
import { faultsOf } from "./compile.ts";
import { codeOf, pageOf } from "./pages.ts";

const PAGES = [
  "README.md",
  "CONTRIBUTING.md",
  "docs/architecture.md",
  "docs/adding-a-product.md",
  "docs/operating.md",
  "docs/publishing-from-sql.md",
  "docs/configuration.md",
];

it("the page of settings is the table that the server reads (npm run docs)", () => {
  expect(pageOf("docs/configuration.md")).toBe(configurationPage());
});

it("links lead somewhere", () => {
  for (const page of PAGES) {
    for (const [, target = ""] of pageOf(page).matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
      if (!target.startsWith("http"))
        expect({ page, target, exists: existsSync(new URL(target, new URL(`../../${page}`, import.meta.url))) }).toMatchObject({
          exists: true,
        });
    }
  }
});

it("README: the SDK's example compiles", () => {
  const [example = ""] = codeOf(pageOf("README.md"), "ts");
  const around = "declare function fetchToken(): Promise<string>;\ndeclare function show(...what: unknown[]): void;\n";
  expect(faultsOf(around + example)).toEqual([]);
});
