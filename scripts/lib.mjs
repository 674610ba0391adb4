/** What the scripts share. Plain JavaScript without dependencies: it runs before anything is installed, on any Node from 18 on. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, "node_modules", ".bin");

/** The environment in which `node` is the pinned one. */
export function environment() {
  return { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
}

/** The pinned Node, or the running one where no build of it exists for this machine. */
export function node() {
  const pinned = join(bin, "node");
  return existsSync(pinned) ? pinned : process.execPath;
}

/** Runs a program in the project's folder; returns its exit code. */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, env: environment(), stdio: "inherit", ...options });
  if (result.error) throw result.error;
  return result.status ?? 1;
}

/** As {@link run}, beside whatever else is done, and silent unless it fails; then its output is shown and the script ends. */
export async function runQuietly(title, program, args, env = environment()) {
  console.error(`broadtape: ${title}`);
  const child = spawn(program, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  const status = await new Promise((resolve) => {
    child.on("error", (error) => {
      output += error.message;
      resolve(1);
    });
    child.on("close", (code) => resolve(code ?? 1));
  });
  if (status === 0) return;
  process.stderr.write(`${output}\n`);
  console.error(`broadtape: ${title} failed`);
  process.exit(status);
}

/** The newest change of any file below these paths, in milliseconds since the epoch; 0 where there is none. */
export function newest(paths, isWanted = () => true) {
  let latest = 0;
  const visit = (path) => {
    if (!existsSync(path)) return;
    const found = statSync(path);
    if (!found.isDirectory()) {
      if (isWanted(path)) latest = Math.max(latest, found.mtimeMs);
      return;
    }
    for (const name of readdirSync(path)) if (name !== "node_modules" && name !== "dist") visit(join(path, name));
  };
  for (const path of paths) visit(join(root, path));
  return latest;
}

/** When a step was last done. */
export function stampOf(step) {
  const file = join(root, "node_modules", ".cache", "broadtape", step);
  return existsSync(file) ? statSync(file).mtimeMs : 0;
}

export function stamp(step) {
  const folder = join(root, "node_modules", ".cache", "broadtape");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, step), "");
}
