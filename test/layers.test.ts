/** The layering rule fails the build: proved on a tree of the house's shape with wrong imports in it. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const FILES: Readonly<Record<string, string>> = {
  "packages/protocol/src/event.ts": "export const event = 1;\n",
  "packages/server/src/engine/engine.ts": 'import { product } from "../products/product.ts";\nexport const engine = product;\n',
  "packages/server/src/products/product.ts": 'import { event } from "../../../protocol/src/event.ts";\nexport const product = event;\n',
  "packages/server/src/transports/socket.ts": 'import { product } from "../products/product.ts";\nexport const socket = product;\n',
  "packages/server/src/log/log.ts": "export const log = 1;\n",
  "packages/server/src/log/sqlite/sqlite.ts": 'import { log } from "../log.ts";\nexport const sqlite = log;\n',
  "packages/server/src/operations/health.ts": 'import { sqlite } from "../log/sqlite/sqlite.ts";\nexport const health = sqlite;\n',
  "packages/server/src/compose.ts": 'import { sqlite } from "./log/sqlite/sqlite.ts";\nexport const composed = sqlite;\n',
  "packages/client/src/client.ts": 'import { readFileSync } from "node:fs";\nexport const client = readFileSync;\n',
  "apps/console/src/app.ts": 'import { composed } from "../../../packages/server/src/compose.ts";\nexport const app = composed;\n',
};

let tree: string;
beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), "broadtape-layers-"));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  for (const file of [".dependency-cruiser.cjs", "tsconfig.json", "tsconfig.base.json"]) cpSync(join(root, file), join(tree, file));
});
afterAll(() => {
  rmSync(tree, { recursive: true, force: true });
});

it("fails the build on a wrong import, naming the rule and the file, and on nothing else", () => {
  const cruiser = join(root, "node_modules/.bin/depcruise");
  const result = spawnSync(process.execPath, [realpathSync(cruiser), "--config", ".dependency-cruiser.cjs", "packages", "apps"], {
    cwd: tree,
    encoding: "utf8",
  });
  expect(result.status).not.toBe(0);
  const wrong = [...result.stdout.matchAll(/error ([\w-]+): (\S+) →/g)].map(([, rule, file]) => `${rule ?? ""} ${file ?? ""}`).sort();
  expect(wrong).toEqual([
    "adapters-are-named-in-the-root-alone packages/server/src/operations/health.ts",
    "apps-import-public-packages apps/console/src/app.ts",
    "browser-code-has-no-node packages/client/src/client.ts",
    "engine-imports-ports packages/server/src/engine/engine.ts",
    "operations-import-engine packages/server/src/operations/health.ts",
    "transports-import-engine packages/server/src/transports/socket.ts",
  ]);
});
