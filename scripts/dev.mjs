/** `npm run dev`: the server, restarted at every change, and the console, rebuilt at every change. */
import { spawn } from "node:child_process";
import { environment, node, root } from "./lib.mjs";
import "./prepare.mjs";

const env = { ...environment(), BROADTAPE_DEMO: process.env.BROADTAPE_DEMO ?? "on" };
const options = { cwd: root, env, stdio: "inherit" };
const children = [
  spawn(node(), ["--watch", "--conditions=@broadtape/source", "packages/cli/src/main.ts", "serve", ...process.argv.slice(2)], options),
  spawn("npx", ["vite", "build", "apps/console", "--watch", "--logLevel", "warn"], options),
];
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
  });
}
