import { expect, it } from "vitest";
import type { ConnectionStatus } from "@broadtape/client";
import { clockTime } from "../wallet/clock-time.ts";
import { type Course, FIRST_COURSE, type Happening, RESYNCED_MS, advance, freshnessOf, wordsOf } from "./freshness.ts";

const NOW = 1_700_000_000_000;

const statusOf = (state: ConnectionStatus["state"], more: Partial<ConnectionStatus> = {}): ConnectionStatus => ({
  state,
  staleSince: state === "live" || state === "connecting" ? undefined : NOW,
  behindMs: 0,
  reason: undefined,
  ...more,
});
const becomes = (state: ConnectionStatus["state"], more?: Partial<ConnectionStatus>): Happening => ({
  type: "status",
  status: statusOf(state, more),
});
const event: Happening = { type: "event" };

function after(...happenings: readonly Happening[]): Course {
  return happenings.reduce<Course>((course, happening) => advance(course, happening, NOW), {
    ...FIRST_COURSE,
    status: statusOf("connecting"),
  });
}

const words = (...happenings: readonly Happening[]) => wordsOf(freshnessOf(after(...happenings), NOW));

it("says that it is live, and how far behind the server says it is", () => {
  expect(words()).toBe("resuming · connecting");
  expect(words(becomes("live"))).toBe("live");
  expect(words(becomes("live", { behindMs: 250.4 }))).toBe("live · 250 ms behind");
});

it("says since when it is stale, and how many events it has caught up on", () => {
  const cut = [becomes("live"), event, event, becomes("stale")] as const;
  expect(words(...cut)).toBe(`stale since ${clockTime(NOW)}`);
  expect(words(...cut, becomes("resuming"), event)).toBe(`resuming · stale since ${clockTime(NOW)} · 1 event so far`);
  expect(words(...cut, becomes("resuming"), event, event, event, becomes("live"), event)).toBe(
    `live · caught up on 3 events at ${clockTime(NOW)}`,
  );
});

it("counts anew after each cut, and nothing that came before it was ever live", () => {
  expect(words(event, becomes("live"))).toBe("live");
  expect(words(becomes("live"), becomes("stale"), event, becomes("live"), becomes("stale"), becomes("resuming"), becomes("live"))).toBe(
    `live · caught up on 0 events at ${clockTime(NOW)}`,
  );
});

it("says first that it was resynced, then for good when that was", () => {
  const course = after(becomes("live"), becomes("stale"), becomes("resuming"), { type: "resync" }, becomes("live"));
  expect(wordsOf(freshnessOf(course, NOW + RESYNCED_MS - 1))).toMatch(/^resynced · caught up on 0 events/);
  expect(wordsOf(freshnessOf(course, NOW + RESYNCED_MS))).toMatch(/^live · .* resynced at /);
  expect(words(becomes("live"), { type: "resync" })).toMatch(/^resynced/);
});

it("says why nothing more comes", () => {
  expect(words(becomes("live"), becomes("closed", { reason: "REVOKED" }))).toBe(`stale since ${clockTime(NOW)} · REVOKED`);
  expect(words(becomes("live"), { type: "refused", reason: "not permitted" })).toBe("stale · not permitted");
  expect(words(becomes("live"), { type: "refused", reason: "not permitted" }, { type: "refused", reason: undefined })).toBe("live");
});
