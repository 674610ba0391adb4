/** Whether code of a page compiles, under the rules of this repository. */
import { fileURLToPath } from "node:url";
import ts from "typescript";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What the compiler has against it. `types` names packages of ambient types. */
export function faultsOf(code: string, types: readonly string[] = []): string[] {
  // Its files are none of ours: the code is the one file.
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, (path) => ts.sys.readFile(path)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: ["example.ts"] }, ts.sys, ROOT, { types: [...types] });
  const file = fileURLToPath(new URL("example.ts", import.meta.url));
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists } = host;
  host.fileExists = (path) => path === file || fileExists(path);
  host.readFile = (path) => (path === file ? code : readFile(path));
  // Of the code alone: what it imports is checked elsewhere.
  const program = ts.createProgram([file], options, host);
  const faults = ts.getPreEmitDiagnostics(program, program.getSourceFile(file));
  return faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}
