import { expect, it } from "vitest";
import { bundles } from "./bundle.ts";

/** In bytes of gzip. The worker's script is fetched once for all tabs, beside the page. */
const LIMITS: Readonly<Record<string, number>> = {
  "@broadtape/client": 12 * 1024,
  "@broadtape/client/shared-worker": 13 * 1024,
  // With decimals, which its folds count in; trading with the connection as well.
  "@broadtape/client/streams": 13.5 * 1024,
  "@broadtape/client/trading": 16.5 * 1024,
  "@broadtape/client/transactions": 12 * 1024,
};

it("weighs little in a page, and needs nothing of Node", async () => {
  const all = await bundles();
  expect(all.map(({ name }) => name)).toEqual(Object.keys(LIMITS));
  for (const { name, code, gzipBytes, imports } of all) {
    expect({ name, isLight: gzipBytes < (LIMITS[name] ?? 0) }).toEqual({ name, isLight: true });
    expect(imports).toEqual([]);
    expect(code).not.toMatch(/node:|\brequire\(|\bprocess\.|\bBuffer\b/);
  }
});
