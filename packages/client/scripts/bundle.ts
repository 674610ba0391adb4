/** The SDK as a page gets it: bundled for browsers, minified. */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const ENTRIES = {
  "@broadtape/client": "../src/index.ts",
  "@broadtape/client/shared-worker": "../src/shared-worker.ts",
  "@broadtape/client/streams": "../src/streams/index.ts",
  "@broadtape/client/trading": "../src/trading/index.ts",
  "@broadtape/client/transactions": "../src/transactions/index.ts",
};

export interface Bundle {
  readonly name: string;
  readonly code: string;
  readonly bytes: number;
  readonly gzipBytes: number;
  /** Modules that it needs from elsewhere. */
  readonly imports: readonly string[];
}

export async function bundles(): Promise<Bundle[]> {
  return Promise.all(Object.entries(ENTRIES).map(([name, entry]) => bundle(name, fileURLToPath(new URL(entry, import.meta.url)))));
}

async function bundle(name: string, entry: string): Promise<Bundle> {
  const built = await build({
    configFile: false,
    logLevel: "warn",
    resolve: { conditions: ["@broadtape/source", "module", "browser", "import", "default"] },
    // Not vite's library mode, which leaves white space for the page's own build to take away.
    build: { write: false, minify: true, target: "es2022", rolldownOptions: { input: entry, preserveEntrySignatures: "strict" } },
  });
  if (Array.isArray(built) || !("output" in built)) throw new Error("the bundler is watching, or made several bundles");
  const chunks = built.output.filter((file) => file.type === "chunk");
  const code = chunks.map((chunk) => chunk.code).join("\n");
  const imports = chunks.flatMap((chunk) => chunk.imports);
  return { name, code, bytes: Buffer.byteLength(code), gzipBytes: gzipSync(code, { level: 9 }).length, imports };
}
