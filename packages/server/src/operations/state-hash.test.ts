import { parseJson } from "@broadtape/protocol/json";
import { describe, expect, it } from "vitest";
import { HashSum, StateHash } from "./state-hash.ts";

function textOf(...values: readonly unknown[]): string {
  const sum = new HashSum();
  sum.add(new StateHash().of(...values));
  return sum.toString();
}

describe("the hash of a state", () => {
  it("is the same in whatever order fields were set, and without those that have no value", () => {
    const text = '{"b":[1.10,{"d":50000.00,"c":null}],"a":"ü\\n"}';
    expect(textOf(parseJson(text))).toBe(textOf(parseJson('{"a":"ü\\n","b":[1.10,{"c":null,"d":50000.00}]}')));
    expect(textOf({ ...(parseJson(text) as object), z: undefined })).toBe(textOf(parseJson(text)));
    expect(textOf(parseJson("[7]"))).toBe(textOf([7]));
  });

  it("is another where anything else differs", () => {
    const values = [
      ..."0 1 -1 1.1 1.10 1.100 1e3 1000 null true false [] {} [[]] [{}] [1,2] [2,1] [[1],2] [[1,2]] [12] [null] [null,null]".split(" "),
      ...'"" "1" "null" "a" "b" "ab" ["a","b"] ["ab"] ["","ab"] ["ab",""] {"a":null} {"a":{}} {"a":"b"} {"b":"a"}'.split(" "),
      ...['{"a":1,"b":2}', '{"a":2,"b":1}', '{"a":{"b":1}}', '{"b":{"a":1}}', '[{"a":1},{"b":2}]', '[{"a":1,"b":2}]', '{"a":[1],"b":[2]}'],
    ];
    expect(new Set(values.map((text) => textOf(parseJson(text)))).size).toBe(values.length);
    expect(textOf("a", "bc")).not.toBe(textOf("ab", "c"));
  });

  it("spreads states that hardly differ over all values of either half", () => {
    const hash = new StateHash();
    const halves = [new Set<number>(), new Set<number>()] as const;
    const ones = Array.from({ length: 64 }, () => 0);
    const count = 20_000;
    for (let at = 0; at < count; at++) {
      const { high, low } = hash.of("tenant", "entity", { state: { price: `1.${at}` }, offset: at, storedAt: 1_700_000_000_000 + at });
      halves[0].add(high);
      halves[1].add(low);
      for (let bit = 0; bit < 32; bit++) {
        ones[bit] = (ones[bit] ?? 0) + ((high >>> bit) & 1);
        ones[bit + 32] = (ones[bit + 32] ?? 0) + ((low >>> bit) & 1);
      }
    }
    // Of so many, 32 bits have no more than one pair in common every now and then.
    for (const half of halves) expect(half.size).toBeGreaterThanOrEqual(count - 2);
    for (const each of ones) expect(Math.abs(each / count - 0.5)).toBeLessThan(0.02);
  });
});

it("sums of hashes are in no order, and what is taken away was never there", () => {
  const [one, other, third] = ["a", "b", "c"].map((value) => new StateHash().of(value));
  if (one === undefined || other === undefined || third === undefined) return expect.fail();
  const sum = new HashSum();
  for (const each of [one, other, third]) sum.add(each);
  const copy = sum.copy();
  copy.subtract(other);
  const expected = new HashSum();
  for (const each of [third, one]) expected.add(each);
  expect([String(copy), String(sum)]).toEqual([String(expected), expect.not.stringMatching(String(expected))]);
});
