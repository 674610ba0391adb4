/** `npm run clean`: everything that a build made. */
import { globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./lib.mjs";

for (const path of globSync(["packages/*/dist", "apps/*/dist", "**/*.tsbuildinfo"], { cwd: root, exclude: ["node_modules"] }))
  rmSync(join(root, path), { recursive: true });
rmSync(join(root, "node_modules/.cache/broadtape"), { recursive: true, force: true });
