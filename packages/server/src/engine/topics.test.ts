import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { Rig, identityOf } from "../../testing/rig.ts";
import type { Session } from "./session.ts";
import { type Subscription, Topics, isPattern, matchesPattern, topicKey } from "./topics.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
let session: Session;
beforeAll(async () => {
  ({ session } = (await Rig.start()).open(identityOf("ann")));
});

const subscription = (name = "x"): Subscription => ({
  session,
  name,
  from: 0,
  since: 0,
  minIntervalMs: 0,
  filter: undefined,
  sentAt: new Map(),
  places: new Map(),
});

describe("topics", () => {
  it("exist while somebody follows them", () => {
    const topics = new Topics();
    const [a, b] = [subscription(), subscription()];
    topics.follow("acme", "rfq:1", a);
    topics.follow("acme", "rfq:1", b);
    topics.follow("acme", "rfq:2", b);
    expect(topics.size).toBe(2);
    topics.unfollow(b);
    expect(topics.followers("acme", "rfq:1")).toEqual([a]);
    expect(topics.followers("acme", "rfq:2")).toBeUndefined();
    topics.unfollow(a);
    topics.unfollow(a);
    expect(topics.size).toBe(0);
  });

  it("are each tenant's own", () => {
    const topics = new Topics();
    const [a, b] = [subscription(), subscription()];
    topics.follow("acme", "rfq:1", a);
    topics.followPattern("acme", "rfq:*", b);
    expect(topics.followers("other", "rfq:1")).toBeUndefined();
    expect(topicKey("a", "b:c")).not.toBe(topicKey("a:b", "c"));
  });

  it("are followed once, by name and pattern or by two tenants' patterns at once", () => {
    const topics = new Topics();
    const both = subscription();
    topics.follow("acme", "symbol:EUR", both);
    topics.followPattern("acme", "symbol:*", both);
    topics.followPattern("public", "symbol:*", both);
    expect(topics.followers("acme", "symbol:EUR")).toEqual([both]);
    expect(topics.followers("public", "symbol:EUR")).toEqual([both]);
    topics.unfollow(both);
    expect(topics.size).toBe(0);
    expect(topics.followers("public", "symbol:USD")).toBeUndefined();
  });

  it("have exactly the followers that a list of wishes says, after any number of comings and goings", () => {
    const names = ["a:1", "a:2", "b:1"];
    const action = fc.oneof(
      fc.record({ follow: fc.constantFrom(...names), who: fc.nat(4) }),
      fc.record({ pattern: fc.constantFrom("a:*", "*", "*:1", "b:1*"), who: fc.nat(4) }),
      fc.record({ leave: fc.nat(4) }),
      fc.record({ look: fc.constantFrom(...names) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const topics = new Topics();
        const wishes = Array.from({ length: 5 }, () => ({ subscription: subscription(), wants: [] as ((name: string) => boolean)[] }));
        for (const each of actions) {
          if ("look" in each) topics.followers("acme", each.look);
          else if ("leave" in each) {
            const wish = wishes[each.leave];
            if (wish === undefined) continue;
            topics.unfollow(wish.subscription);
            wish.wants.length = 0;
          } else {
            const wish = wishes[each.who];
            if (wish === undefined) continue;
            if ("follow" in each) topics.follow("acme", each.follow, wish.subscription);
            else topics.followPattern("acme", each.pattern, wish.subscription);
            wish.wants.push("follow" in each ? (name) => name === each.follow : (name) => matchesPattern(each.pattern, name));
          }
        }
        for (const name of names) {
          const wanted = wishes.filter(({ wants }) => wants.some((wants) => wants(name))).map(({ subscription }) => subscription);
          const followers = topics.followers("acme", name) ?? [];
          expect(followers).toHaveLength(wanted.length);
          expect(new Set(followers)).toEqual(new Set(wanted));
        }
        for (const { subscription } of wishes) topics.unfollow(subscription);
        expect(topics.size).toBe(0);
      }),
      { seed, numRuns: 300 },
    );
  });
});

describe("a pattern", () => {
  it.each([
    ["symbol:EUR*", "symbol:EUR/USD", true],
    ["symbol:*", "symbol:", true],
    ["symbol:*/USD", "symbol:EUR/USD", true],
    ["symbol:*/USD", "symbol:EUR/USDT", false],
    ["symbol:B.K*", "symbol:BRK.B", false],
    ["symbol:[A-Z]*", "symbol:EUR", false],
    ["symbol:E*R*", "symbol:EUR/USD", true],
    ["symbol:*", "xsymbol:EUR", false],
    ["symbol:$*", "symbol:$1", true],
  ])("%s takes %s: %s", (pattern, name, expected) => {
    expect(isPattern(pattern)).toBe(true);
    expect(matchesPattern(pattern, name)).toBe(expected);
  });
});
