/** `npm run build`: all packages and the console. */
import { run } from "./lib.mjs";

process.exitCode = run("npx", ["tsc", "-b", "tsconfig.build.json", "--force"]) || run("npx", ["vite", "build", "apps/console"]);
