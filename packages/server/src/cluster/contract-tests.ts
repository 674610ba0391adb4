/** What every cluster must do, for several nodes at once: each adapter's tests run these (cluster.ts has the sentences that they check). */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { until } from "../../../../test/until.ts";
import { ClusterUnavailable, type HitLimit } from "./cluster.ts";
import { type ClusterPlace, Member, newSeat } from "./contract-place.ts";

export function clusterContract(newPlace: () => Promise<ClusterPlace>): void {
  let place: ClusterPlace;
  const members: Member[] = [];
  let users = 0;
  /** Nobody has a seat of this user's. */
  const newUser = () => ({ userId: `user-${++users}` });

  beforeAll(async () => {
    place = await newPlace();
  });
  afterEach(async () => {
    for (const member of members) member.setConnected(true);
    await Promise.all(members.splice(0).map(({ cluster }) => cluster.close()));
  });
  afterAll(async () => {
    await place.remove();
  });

  const join = async (name: string): Promise<Member> => {
    const member = new Member(await place.join({ id: crypto.randomUUID(), name }));
    members.push(member);
    return member;
  };
  /** All see each other. */
  const met = (...joined: readonly Member[]) =>
    until(
      () => joined.every(({ others }) => others.length === joined.length - 1),
      () => joined.map(({ name, others }) => [name, others]),
    );
  const joinThree = async () => {
    const joined = await Promise.all([join("a"), join("b"), join("c")]);
    await met(...joined);
    return joined;
  };
  /** Of each, what it was told when it entered; whoever sees the limit reached leaves again. */
  const enterAll = async (entering: readonly Member[], user: { readonly userId: string }, most: number) =>
    Promise.all(
      entering.map(async ({ cluster }) => {
        const seat = newSeat(user);
        const { ofUser = 0 } = await cluster.enter(seat);
        if (ofUser >= most) cluster.leave(seat.connectionId);
        return ofUser < most;
      }),
    );

  describe("nodes", () => {
    it("know who else runs, and hear who leaves, each other one and once", async () => {
      const [a, b, c] = await joinThree();
      expect([a.others, b.others, c.others]).toEqual([
        ["b", "c"],
        ["a", "c"],
        ["a", "b"],
      ]);
      await b.cluster.close();
      await until(() => a.gone.length > 0 && c.gone.length > 0);
      expect([a.gone, b.gone, c.gone, a.others]).toEqual([["b"], [], ["b"], ["c"]]);
      const again = await join("b");
      await until(() => a.others.length === 2);
      expect(again.cluster.self.id).not.toBe(b.cluster.self.id);
      expect(a.gone).toEqual(["b"]);
    });

    it("give up one that is cut off for longer than a lease, and see it again when it is back", async () => {
      const [a, b, c] = await joinThree();
      c.setConnected(false);
      const cut = performance.now();
      await until(() => a.gone.length === 1 && b.gone.length === 1);
      expect(performance.now() - cut).toBeLessThan(4 * place.leaseMs + 20_000);
      expect([a.gone, b.gone, a.others, b.others]).toEqual([["c"], ["c"], ["b"], ["a"]]);
      c.setConnected(true);
      await met(a, b, c);
      expect(c.gone).toEqual([]);
    });
  });

  describe("seats", () => {
    it("are counted on all nodes, for their user alone, until they are given back", async () => {
      const [a, b, c] = await joinThree();
      const [ann, ben] = [newUser(), newUser()];
      const seats = [newSeat(ann), newSeat(ann), newSeat(ann)];
      const counts = [];
      for (const [index, member] of [a, b, a].entries()) counts.push(await member.cluster.enter(seats[index]!));
      expect(counts).toEqual([{ ofUser: 0 }, { ofUser: 1 }, { ofUser: 2 }]);
      expect(await c.cluster.enter(newSeat(ben))).toEqual({ ofUser: 0 });
      expect(await c.cluster.enter(newSeat({ ...ann, tenant: "other" }))).toEqual({ ofUser: 0 });
      expect(await c.cluster.enter(newSeat({ ...ann, isAnonymous: true }))).toEqual({ ofUser: 0 });
      a.cluster.leave(seats[0]!.connectionId);
      a.cluster.leave("unknown");
      await until(async () => {
        const probe = newSeat(ann);
        const { ofUser } = await c.cluster.enter(probe);
        c.cluster.leave(probe.connectionId);
        return ofUser === 2;
      });
      await b.cluster.close();
      expect(await c.cluster.enter(newSeat(ann))).toEqual({ ofUser: 1 });
    });

    it("of one claim do not count for each other: one of them ends", async () => {
      const [a, b] = await joinThree();
      const ann = newUser();
      await a.cluster.enter(newSeat({ ...ann, claim: "desk" }));
      expect(await b.cluster.enter(newSeat({ ...ann, claim: "phone" }))).toEqual({ ofUser: 1 });
      expect(await b.cluster.enter(newSeat({ ...ann, claim: "desk" }))).toEqual({ ofUser: 1 });
      expect(await b.cluster.enter(newSeat({ ...ann, claim: "phone" }))).toEqual({ ofUser: 2 });
    });

    it.each([1, 3, 10])("let in no more than %i of a user, however many enter at once on all nodes", async (most) => {
      const joined = await joinThree();
      for (let round = 0; round < 5; round++) {
        const ann = newUser();
        const entering = Array.from({ length: 45 }, (_, index) => joined[index % 3]!);
        const letIn = await enterAll(entering, ann, most);
        expect(letIn.filter(Boolean).length).toBeLessThanOrEqual(most);
        // Whoever comes later finds the places that are left, and no other.
        let free = most - letIn.filter(Boolean).length;
        for (const member of [...joined, ...joined, ...joined, ...joined]) {
          const before = free;
          await until(async () => {
            const [isIn] = await enterAll([member], ann, most);
            if (isIn === true) free -= 1;
            return isIn === true || before === 0;
          });
        }
        expect(free).toBe(0);
      }
    });

    it("of a node that is gone count no longer, and count again when it is back", async () => {
      const [a, b, c] = await joinThree();
      const [ann, ben] = [newUser(), newUser()];
      await c.cluster.enter(newSeat(ann));
      c.setConnected(false);
      await until(() => a.gone.length === 1 && b.gone.length === 1);
      expect(await a.cluster.enter(newSeat(ann))).toEqual({ ofUser: 0 });
      // What it lets in and out meanwhile is known later.
      await until(async () => (await c.cluster.enter(newSeat(ben))).ofUser === undefined);
      const left = newSeat(ben);
      await c.cluster.enter(left);
      c.cluster.leave(left.connectionId);
      c.setConnected(true);
      await met(a, b, c);
      const held = newSeat(ann);
      expect(await until(async () => (await c.cluster.enter(held)).ofUser)).toBe(2);
      const probe = newSeat(ben);
      const { ofUser } = await a.cluster.enter(probe);
      expect(ofUser).toBeGreaterThanOrEqual(1);
    });
  });

  describe("hits", () => {
    const limit: HitLimit = { most: 5, windowMs: 60_000 };

    it("of a key are let through up to the limit, on all nodes together", async () => {
      const joined = await joinThree();
      const key = crypto.randomUUID();
      const hits = await Promise.all(Array.from({ length: 30 }, (_, index) => joined[index % 3]!.cluster.hit(key, limit)));
      expect(hits.filter((waitMs) => waitMs === undefined)).toHaveLength(5);
      for (const waitMs of hits.filter((wait) => wait !== undefined)) {
        expect(waitMs).toBeGreaterThan(50_000);
        expect(waitMs).toBeLessThanOrEqual(60_000);
      }
      expect(await joined[0].cluster.hit(`${key} of another`, limit)).toBeUndefined();
    });

    it("are let through again when the window has passed", async () => {
      const [a, b] = await joinThree();
      const key = crypto.randomUUID();
      const short = { most: 1, windowMs: 150 };
      expect(await a.cluster.hit(key, short)).toBeUndefined();
      const waitMs = await b.cluster.hit(key, short);
      expect(waitMs).toBeLessThanOrEqual(150);
      await until(async () => (await b.cluster.hit(key, short)) === undefined);
      expect(await a.cluster.hit(key, short)).toBeGreaterThan(0);
    });

    it("are counted by the node alone while it is cut off", async () => {
      const [, , c] = await joinThree();
      c.setConnected(false);
      await until(async () => (await c.cluster.enter(newSeat(newUser()))).ofUser === undefined);
      const key = crypto.randomUUID();
      const hits = await Promise.all(Array.from({ length: 7 }, () => c.cluster.hit(key, limit)));
      expect(hits.filter((waitMs) => waitMs === undefined)).toHaveLength(5);
    });
  });

  describe("what is told", () => {
    it("is heard by each other node, once and in order, and not by who told it", async () => {
      const [a, b, c] = await joinThree();
      const stop = b.cluster.onTold("note", () => {
        throw new Error("never heard");
      });
      stop();
      await a.cluster.tell("note", "one");
      await a.cluster.tell("other", "not of this kind");
      await a.cluster.tell("note", 'zwei \u0000\u0010 " \\ ü');
      await until(() => b.told.length >= 2 && c.told.length >= 2);
      expect(b.told).toEqual(["a: one", 'a: zwei \u0000\u0010 " \\ ü']);
      expect(c.told).toEqual(b.told);
      expect(a.told).toEqual([]);
    });

    it("by many at once is heard in one order by all, without a gap", async () => {
      const joined = await joinThree();
      const d = await join("d");
      const told = Array.from({ length: 300 }, async (_, index) => {
        if (index % 7 === 0) await new Promise((resolve) => setTimeout(resolve, index / 5));
        await joined[index % 3]!.cluster.tell("note", String(index));
      });
      await Promise.all(told);
      await until(() => d.told.length >= 300 && joined.every((member) => member.told.length >= 200));
      expect(new Set(d.told).size).toBe(300);
      for (const { name, told: heard } of joined) expect(heard).toEqual(d.told.filter((note) => !note.startsWith(name)));
    });

    it("is heard later by a node that was cut off, in order and without a gap, though others gave it up", async () => {
      const [a, b, c] = await joinThree();
      await a.cluster.tell("note", "0");
      await until(() => c.told.length === 1);
      c.setConnected(false);
      for (let index = 1; index < 20; index++) await (index % 2 === 0 ? a : b).cluster.tell("note", String(index));
      await until(() => a.gone.length === 1);
      await a.cluster.tell("note", "20");
      c.setConnected(true);
      await until(() => c.told.length >= 21);
      expect(c.told.map((note) => note.slice(3))).toEqual(Array.from({ length: 21 }, (_, index) => String(index)));
    });

    it("before a node joined is not for it", async () => {
      const a = await join("a");
      await a.cluster.tell("note", "before");
      const b = await join("b");
      await a.cluster.tell("note", "after");
      await until(() => b.told.length > 0);
      expect(b.told).toEqual(["a: after"]);
    });

    it("is refused while the node is cut off, and after it has left", async () => {
      const [, b, c] = await joinThree();
      c.setConnected(false);
      await expect(c.cluster.tell("note", "lost")).rejects.toThrow(ClusterUnavailable);
      await b.cluster.close();
      await expect(b.cluster.tell("note", "lost")).rejects.toThrow(ClusterUnavailable);
    });
  });

  describe("asking", () => {
    it("brings the answers of all others, or of the one that was asked, to who asked alone", async () => {
      const [a, b, c] = await joinThree();
      for (const { cluster, name } of [a, b, c])
        cluster.onAsked("who", async (body, from) => Promise.resolve(`${name} to ${from.name}: ${body}`));
      const answers = await a.cluster.ask("who", "is it?");
      expect(answers.map(({ from, body }) => [from.name, body]).sort()).toEqual([
        ["b", "b to a: is it?"],
        ["c", "c to a: is it?"],
      ]);
      const toOne = await b.cluster.ask("who", "you?", { to: c.cluster.self.id });
      expect(toOne.map(({ body }) => body)).toEqual(["c to b: you?"]);
      expect(await b.cluster.ask("who", "nobody", { to: "a node that is not there" })).toEqual([]);
    });

    it("waits for nobody who has no answer, and takes none of a node that fails", async () => {
      const [a, b] = await joinThree();
      b.cluster.onAsked("what", () => {
        throw new Error("no idea");
      });
      const asked = performance.now();
      expect(await a.cluster.ask("what", "", { timeoutMs: 20_000 })).toEqual([]);
      expect(performance.now() - asked).toBeLessThan(15_000);
    });

    it("carries large answers, of many questions at once", async () => {
      const [a, b, c] = await joinThree();
      const large = 'ü{}"\\'.repeat(20_000);
      for (const { cluster } of [b, c]) cluster.onAsked("much", (body) => body + large);
      const all = await Promise.all(Array.from({ length: 5 }, (_, index) => a.cluster.ask("much", String(index), { timeoutMs: 20_000 })));
      for (const [index, answers] of all.entries()) {
        expect(answers).toHaveLength(2);
        for (const { body } of answers) expect(body === String(index) + large).toBe(true);
      }
    });

    it("ends when the time is over, with what came by then", async () => {
      const [a, b, c] = await joinThree();
      b.cluster.onAsked("slow", async () => new Promise(() => undefined));
      c.cluster.onAsked("slow", () => "here");
      expect(await a.cluster.ask("slow", "", { timeoutMs: 1500 })).toEqual([{ from: c.cluster.self, body: "here" }]);
    });

    it("does not wait for a node that goes", async () => {
      const [a, , c] = await joinThree();
      c.setConnected(false);
      const asked = performance.now();
      expect(await a.cluster.ask("slow", "", { to: c.cluster.self.id, timeoutMs: 60_000 })).toEqual([]);
      expect(performance.now() - asked).toBeLessThan(4 * place.leaseMs + 20_000);
      expect(await a.cluster.ask("slow", "", { to: c.cluster.self.id })).toEqual([]);
    });

    it("has no answers while the node is cut off", async () => {
      const [, , c] = await joinThree();
      c.setConnected(false);
      await until(async () => (await c.cluster.enter(newSeat(newUser()))).ofUser === undefined);
      expect(await c.cluster.ask("slow", "")).toEqual([]);
    });
  });
}
