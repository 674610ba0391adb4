/** What the pages show is what the code says. */
import { existsSync } from "node:fs";
import ts from "typescript";
import { expect, it } from "vitest";
import { configurationPage } from "../../scripts/configuration.ts";
import { codeOf, pageOf } from "./pages.ts";

const PAGES = ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/operating.md", "docs/configuration.md"];

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
  const file = new URL("example.ts", import.meta.url).pathname;
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    allowImportingTsExtensions: true,
    customConditions: ["@broadtape/source"],
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.esnext.disposable.d.ts"],
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists } = host;
  host.fileExists = (path) => path === file || fileExists(path);
  host.readFile = (path) => (path === file ? around + example : readFile(path));
  const faults = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host));
  expect(faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
});
