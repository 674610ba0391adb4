import { describe, expect, it } from "vitest";
import { LogUnavailable } from "../log.ts";
import { Asking } from "./asking.ts";

function setUp() {
  const faults: string[] = [];
  const asking = new Asking((error) => faults.push(error.message));
  const fail = () => asking.ask(() => Promise.reject(new Error("timeout at 10.0.0.1"))).catch((error: unknown) => error);
  return { asking, faults, fail };
}

describe("asking a database", () => {
  it("tells of an outage once, until it answers again, and callers no more than that", async () => {
    const { asking, faults, fail } = setUp();
    expect(await fail()).toEqual(new LogUnavailable("the database does not answer"));
    await fail();
    expect([asking.isAway, faults]).toEqual([true, ["timeout at 10.0.0.1"]]);
    expect(await asking.ask(() => Promise.resolve(1))).toBe(1);
    expect(asking.isAway).toBe(false);
    await fail();
    expect(faults).toHaveLength(2);
  });

  it("asks again over another connection where one was lost, and never what may not be done twice", async () => {
    const { asking } = setUp();
    let asked = 0;
    const lost = () => (++asked === 1 ? Promise.reject(new Error("Connection terminated")) : Promise.resolve(asked));
    expect(await asking.ask(lost)).toBe(2);
    asked = 0;
    await expect(asking.once(lost)).rejects.toThrow(LogUnavailable);
    expect(asked).toBe(1);
  });

  it("is away while it is in doubt what became of a COMMIT, whatever else is answered meanwhile", async () => {
    const { asking, faults } = setUp();
    const { promise, resolve } = Promise.withResolvers<string>();
    const commit = asking.once(() => {
      asking.doubts(new Error("reset"));
      return promise;
    });
    await asking.ask(() => Promise.resolve(1));
    expect([asking.isAway, asking.isInDoubt, faults]).toEqual([true, true, ["reset"]]);
    resolve("stored");
    expect(await commit).toBe("stored");
    expect([asking.isAway, asking.isInDoubt]).toEqual([false, false]);
  });

  it("is settled when every question is answered, with or without success", async () => {
    const { asking, fail } = setUp();
    const { promise, resolve } = Promise.withResolvers<number>();
    const answers = [asking.ask(() => promise), fail()];
    let isSettled = false;
    const settled = asking.settled().then(() => (isSettled = true));
    await answers[1];
    expect(isSettled).toBe(false);
    resolve(1);
    await settled;
  });
});
