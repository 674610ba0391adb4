import { describe, expect, it } from "vitest";
import { Aliases } from "./aliases.ts";
import { Topic } from "./topic.ts";

function setUp(...names: string[]) {
  const topics = new Map(names.map((name) => [name, new Topic(name, undefined, undefined, undefined)]));
  const aliases = new Aliases();
  return { aliases, named: (name: string) => aliases.topicsOf(name, topics).map((topic) => topic.name) };
}

describe("what the server tells of a topic", () => {
  it("belongs to the topic of that name, and to no other", () => {
    const { named } = setUp("orders:u1", "orders:u2");
    expect(named("orders:u1")).toEqual(["orders:u1"]);
    expect(named("orders:u3")).toEqual([]);
  });

  it("belongs to each pattern that it matches, letter by letter", () => {
    const { named } = setUp("symbol:*", "symbol:EUR*", "symbol:A.C", "symbol:A.*");
    expect(named("symbol:EURUSD")).toEqual(["symbol:*", "symbol:EUR*"]);
    expect(named("symbol:ABC")).toEqual(["symbol:*"]);
    expect(named("symbol:A.C")).toEqual(["symbol:A.C", "symbol:*", "symbol:A.*"]);
  });

  it("belongs to `me` where it is the user's own, known from the token", () => {
    const { aliases, named } = setUp("orders:me", "trades:me", "orders:u1");
    aliases.user = "u1";
    expect(named("orders:u1")).toEqual(["orders:u1", "orders:me"]);
    expect(named("trades:u1")).toEqual(["trades:me"]);
    expect(named("trades:u2")).toEqual([]);
    expect([aliases.aliasOf("orders:me"), aliases.aliasOf("orders:u1"), aliases.aliasOf("orders:u2")]).toEqual([
      "orders:u1",
      "orders:me",
      undefined,
    ]);
  });

  it("says who one is where the token does not: the first name that nobody asked for", () => {
    const { aliases, named } = setUp("orders:me", "orders:u9", "wallets:u9");
    expect(named("orders:u9")).toEqual(["orders:u9"]);
    expect(aliases.user).toBeUndefined();
    expect(named("orders:u:1")).toEqual(["orders:me"]);
    expect(aliases.user).toBe("u:1");
    expect(named("orders:u2")).toEqual([]);
  });
});
