import { beforeAll, describe } from "vitest";
import { newDatabase } from "../../../../../test/postgres-database.ts";
import { logContract } from "../contract-tests.ts";
import { openPostgresLog } from "./postgres-log.ts";
import { SIZES, type Sizes } from "./sizes.ts";

let url: string;
beforeAll(async () => {
  url = await newDatabase();
});

let places = 0;

/** A few events reach the next segment, the scans and every step of retention. */
const SMALL: Sizes = { ...SIZES, segmentEvents: 100, singleTopics: 2, scannedEvents: 8, freedIds: 3, readers: 2 };

describe("the log in PostgreSQL", () => {
  logContract(() => {
    const schema = `log_${++places}`;
    // It goes with the cluster.
    return Promise.resolve({ open: (options) => openPostgresLog({ url, schema }, options, SMALL), remove: async () => undefined });
  }, 6);
});
