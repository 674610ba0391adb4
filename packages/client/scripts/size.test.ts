import { expect, it } from "vitest";
import { bundles } from "./bundle.ts";

it("weighs less than 12 KB in a page, and needs nothing of Node", async () => {
  const all = await bundles();
  expect(all.map(({ name }) => name)).toEqual(["@broadtape/client", "@broadtape/client/shared-worker"]);
  for (const { name, code, gzipBytes, imports } of all) {
    expect({ name, isLight: gzipBytes < 12 * 1024 }).toEqual({ name, isLight: true });
    expect(imports).toEqual([]);
    expect(code).not.toMatch(/node:|\brequire\(|\bprocess\.|\bBuffer\b/);
  }
});
