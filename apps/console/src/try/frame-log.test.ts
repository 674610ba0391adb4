import { expect, it } from "vitest";
import { FrameLog, MAX_CHARACTERS, MAX_FRAMES } from "./frame-log.ts";

const frame = (text: string) => ({ at: 0, direction: "in", text }) as const;

it("keeps the newest frames and counts all", () => {
  const log = new FrameLog();
  for (let n = 0; n < MAX_FRAMES + 10; n++) log.add(frame(String(n)));
  const frames = log.frames();
  expect([frames.length, frames[0]?.number, frames.at(-1)?.text, log.total]).toEqual([
    MAX_FRAMES,
    10,
    String(MAX_FRAMES + 9),
    MAX_FRAMES + 10,
  ]);
});

it("keeps no more text than it may, but the newest frame always", () => {
  const log = new FrameLog();
  for (const text of ["a", "x".repeat(MAX_CHARACTERS), "y".repeat(MAX_CHARACTERS + 1)]) log.add(frame(text));
  expect(log.frames().map(({ number }) => number)).toEqual([2]);
  log.add(frame("z"));
  expect(log.frames().map(({ number }) => number)).toEqual([3]);
});

it("changes nothing of what was taken before, and goes on counting after it was cleared", () => {
  const log = new FrameLog();
  log.add(frame("a"));
  const before = log.frames();
  log.clear();
  log.add(frame("b"));
  expect(before.map(({ text }) => text)).toEqual(["a"]);
  expect(log.frames().map(({ number }) => number)).toEqual([1]);
});
