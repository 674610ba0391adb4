import { describe, expect, it } from "vitest";
import { Abreast } from "./abreast.ts";

/** Each look at the log ends when the test says so; without looks, this node is alone. */
function commands({ isAlone = false } = {}) {
  const looks: (() => void)[] = [];
  const abreast = new Abreast({ current: () => (isAlone ? undefined : new Promise<void>((resolve) => looks.push(resolve))) });
  const done: string[] = [];
  const say = (name: string, looksAtViews: boolean) => {
    const turn = abreast.turn(looksAtViews);
    if (turn === undefined) done.push(name);
    else void turn.then(() => done.push(name));
  };
  return { looks, done, say };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("what a client says", () => {
  it("waits for nothing where a node is alone, or where it looks at no views", () => {
    const alone = commands({ isAlone: true });
    alone.say("subscribe", true);
    expect(alone.done).toEqual(["subscribe"]);
    const others = commands();
    others.say("ack", false);
    expect(others.done).toEqual(["ack"]);
  });

  it("is carried out in its order, though a later look ends first", async () => {
    const { looks, done, say } = commands();
    say("subscribe", true);
    say("unsubscribe", false);
    say("subscribe again", true);
    looks[1]?.();
    await settled();
    expect(done).toEqual([]);
    looks[0]?.();
    await settled();
    expect(done).toEqual(["subscribe", "unsubscribe", "subscribe again"]);
    say("ack", false);
    expect(done.at(-1)).toBe("ack");
  });
});
