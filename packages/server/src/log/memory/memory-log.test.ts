import { describe, expect, it } from "vitest";
import { logContract } from "../contract-tests.ts";
import { newEvents, offsetsOf } from "../contract-place.ts";
import { newMemoryDisk } from "./memory-disk.ts";
import { MemoryLog, type MemoryLogOptions } from "./memory-log.ts";

const options: MemoryLogOptions = {
  retention: { maxAgeMs: Infinity, maxBytes: Infinity },
  dedupeWindowMs: 1000,
  now: () => 1000,
  maxWaitingEvents: 100,
};

/** A disk that is as slow as the test. */
function newSlowDisk() {
  const steps: (() => void)[] = [];
  const defer = (step: () => void) => void steps.push(step);
  /** Runs so many steps; what they cause comes after. */
  const run = async (count: number) => {
    for (let index = 0; index < count; index++) {
      await new Promise(setImmediate);
      steps.shift()?.();
    }
    await new Promise(setImmediate);
  };
  return { steps, defer, run };
}

describe("the log in memory", () => {
  logContract(() => {
    const disk = newMemoryDisk();
    return Promise.resolve({ open: async (given) => new MemoryLog(disk, given), remove: async () => undefined });
  }, 300);

  it("commits when the test lets it, and tells of it when the test lets it", async () => {
    const disk = newMemoryDisk();
    const { defer, run } = newSlowDisk();
    const log = new MemoryLog(disk, { ...options, defer });
    let isTold = false;
    void log.append(newEvents(2)).then(() => (isTold = true));
    await run(0);
    expect([disk.head, log.bounds().head, isTold]).toEqual([0, 0, false]);
    await run(1);
    expect([disk.head, log.bounds().head, isTold]).toEqual([2, 0, false]);
    await run(1);
    expect([disk.head, log.bounds().head, isTold]).toEqual([2, 2, true]);
  });

  it("loses in a crash what was not durable, keeps what was, and answers nobody", async () => {
    const disk = newMemoryDisk();
    const { defer, run } = newSlowDisk();
    const log = new MemoryLog(disk, { ...options, defer });
    const answers: string[] = [];
    const ask = (name: string, call: Promise<unknown>) => void call.finally(() => answers.push(name));
    ask("durable", log.append(newEvents(1)));
    await run(1);
    ask("lost", log.append(newEvents(1)));
    ask("read", log.read({ after: 0, limit: 1 }));
    log.crash();
    await run(10);
    expect(answers).toEqual([]);
    expect(await offsetsOf(new MemoryLog(disk, options))).toEqual([1]);
  });

  it("fails as a full disk does, and works again", async () => {
    const disk = newMemoryDisk();
    const faults: Error[] = [];
    const log = new MemoryLog(disk, { ...options, onFault: (error) => faults.push(error) });
    disk.failure = new Error("disk full");
    await expect(log.append(newEvents(1))).rejects.toMatchObject({ name: "LogUnavailable", message: expect.stringContaining("disk full") });
    disk.failure = undefined;
    expect(await log.append(newEvents(1))).toMatchObject([{ offset: 1 }]);
    expect(faults).toHaveLength(1);
  });
});
