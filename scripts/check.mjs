/** `npm run check`: format, lint, layers, types, unused code. All are run, so that one run shows all faults. */
import { run } from "./lib.mjs";

const steps = [
  ["format", ["prettier", "--check", "--log-level", "warn", "."]],
  ["lint", ["eslint", "--max-warnings", "0", "."]],
  ["layers", ["depcruise", "--config", ".dependency-cruiser.cjs", "packages", "apps", "bench"]],
  ["types", ["tsc", "-p", "tsconfig.json"]],
  ["unused code", ["knip"]],
];
const only = process.argv.slice(2);
const failed = steps
  .filter(([name]) => only.length === 0 || only.includes(name))
  .filter(([name, args]) => {
    console.log(`— ${name}`);
    return run("npx", args) !== 0;
  });
if (failed.length > 0) {
  console.error(`check failed: ${failed.map(([name]) => name).join(", ")}`);
  process.exitCode = 1;
}
