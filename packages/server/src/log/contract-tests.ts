/** What every log must do: each adapter's tests run these (log.ts has the sentences that they check). */
import { appendContract } from "./contract-append.ts";
import { guardContract } from "./contract-guard.ts";
import { keepContract } from "./contract-keep.ts";
import type { LogPlace } from "./contract-place.ts";
import { randomContract } from "./contract-random.ts";
import { readContract } from "./contract-read.ts";

export type { LogPlace, TestedLog } from "./contract-place.ts";

/** @param histories how many random ones to try: each opens a log of its own */
export function logContract(newPlace: () => Promise<LogPlace>, histories = 15): void {
  appendContract(newPlace);
  guardContract(newPlace);
  readContract(newPlace);
  keepContract(newPlace);
  randomContract(newPlace, histories);
}
