import { describe, expect, it } from "vitest";
import { Presence, type SeenNode } from "./presence.ts";

const TIMES = { leaseMs: 5000, renewMs: 1000 };
const LIFE = "life";
const self: SeenNode = { id: "self", name: "self", seenAt: 0, isLeased: true };

function setUp() {
  const presence = new Presence("self", TIMES);
  const renewed = new Map<string, number>();
  let now = 0;
  return {
    presence,
    /** These have renewed their leases; the others' rows are as they were. */
    renew: (...ids: readonly string[]) => {
      for (const id of ids) renewed.set(id, now);
    },
    pass: (ms: number) => (now += ms),
    remove: (id: string) => renewed.delete(id),
    look: (life: string | undefined = LIFE) => {
      const rows = [...renewed].map(([id, seenAt]) => ({ id, name: id, seenAt, isLeased: now - seenAt < TIMES.leaseMs }));
      return presence.look([self, ...rows], life, now).map(({ name }) => name);
    },
    names: () => presence.others.map(({ name }) => name),
  };
}

describe("presence", () => {
  it("gives up a node whose lease is over, once, and sees it again when it renews", () => {
    const { renew, pass, look, names } = setUp();
    renew("a", "b");
    const gone = Array.from({ length: 8 }, () => {
      const found = look();
      pass(1000);
      renew("b");
      return found;
    });
    expect(gone).toEqual([[], [], [], [], [], ["a"], [], []]);
    expect(names()).toEqual(["b"]);
    renew("a");
    expect(look()).toEqual([]);
    expect(names().sort()).toEqual(["a", "b"]);
  });

  it("tells at once of a node that left", () => {
    const { renew, pass, look, names, remove } = setUp();
    renew("a");
    look();
    for (let second = 0; second < 6; second++) {
      pass(1000);
      renew("a");
      look();
    }
    remove("a");
    expect(look()).toEqual(["a"]);
    expect(names()).toEqual([]);
  });

  it("does not know who was gone before it came", () => {
    const { renew, pass, look, names } = setUp();
    renew("a");
    pass(6000);
    expect([look(), names()]).toEqual([[], []]);
  });

  it("gives the others time to show themselves after it could not look for a while", () => {
    const { renew, pass, look, names } = setUp();
    renew("a", "b");
    look();
    pass(60_000);
    expect(look()).toEqual([]);
    pass(1000);
    renew("a");
    expect(look()).toEqual([]);
    const gone = [];
    for (let second = 0; second < 4; second++) {
      pass(1000);
      renew("a");
      gone.push(...look());
    }
    expect(gone).toEqual(["b"]);
    expect(names()).toEqual(["a"]);
  });

  it("does not take a clock of the database that is set ahead for the end of all others", () => {
    const presence = new Presence("self", TIMES);
    const at = (seenAt: number, isLeased: boolean) => [self, { id: "a", name: "a", seenAt, isLeased }];
    expect(presence.look(at(1, true), LIFE, 0)).toEqual([]);
    expect(presence.look(at(1, false), LIFE, 1000)).toEqual([]);
    expect(presence.look(at(3_600_000, true), LIFE, 2000)).toEqual([]);
    expect(presence.others).toHaveLength(1);
  });

  it.each([undefined, "another life"])("waits for the others where the tables were emptied (%s)", (life) => {
    const { renew, pass, look, names, remove } = setUp();
    renew("a", "b");
    look();
    pass(1000);
    for (const id of ["a", "b"]) remove(id);
    expect(look(life)).toEqual([]);
    expect(names()).toEqual(["a", "b"]);
    pass(1000);
    renew("a");
    const gone = [];
    for (let second = 0; second < 7; second++) {
      gone.push(...look("another life"));
      pass(1000);
      renew("a");
    }
    expect(gone).toEqual(["b"]);
  });
});
