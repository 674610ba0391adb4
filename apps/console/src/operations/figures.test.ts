import { expect, it } from "vitest";
import { bytesText, countText, msText, rateText, shareText, spanText } from "./figures.ts";

it("shows figures with few digits and a unit", () => {
  expect([0, 12_345, null].map(countText)).toEqual(["0", "12,345", "–"]);
  expect([0, 0.44, 12.55, 1250].map(rateText)).toEqual(["0", "0.4", "12.6", "1,250"]);
  expect([0, 0.5, 512, 1536, 150 * 1024, 3 * 1024 ** 3].map(bytesText)).toEqual(["0 B", "1 B", "512 B", "1.5 KiB", "150 KiB", "3.0 GiB"]);
  expect([0.451, 12.34, 250.4, 1234].map(msText)).toEqual(["0.45 ms", "12.3 ms", "250 ms", "1.2 s"]);
  expect([0, 42_000, 312_000, 3_600_000, 273_600_000].map(spanText)).toEqual(["0 s", "42 s", "5 min 12 s", "1 h", "3 d 4 h"]);
  expect([0.0751, 1].map(shareText)).toEqual(["7.5 %", "100 %"]);
});
