import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import { keepContract } from "../contract-keep.ts";
import type { LogPlace } from "../contract-place.ts";
import { logContract } from "../contract-tests.ts";
import { SIZES, type Sizes } from "./sizes.ts";
import { openSqliteLog } from "./sqlite-log.ts";

const root = mkdtempSync(join(tmpdir(), "broadtape-log-"));
afterAll(() => {
  rmSync(root, { recursive: true });
});
let places = 0;

function newPlace(sizes: Sizes): Promise<LogPlace> {
  const directory = join(root, String(++places));
  return Promise.resolve({
    open: (options) => openSqliteLog(directory, options, sizes),
    remove: async () => {
      rmSync(directory, { recursive: true });
    },
  });
}

/** A few events reach the index, the scans and every step of retention. */
const SMALL: Sizes = { segmentEvents: 7, runOffsets: 3, runsAtOnce: 2, mergedTopics: 2, scannedEvents: 8, retainedEvents: 3 };

describe("the embedded log", () => {
  logContract(() => newPlace(SMALL));
});

describe("the embedded log at its full size", () => {
  keepContract(() => newPlace(SIZES));
});
