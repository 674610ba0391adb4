import { parseJson } from "@broadtape/protocol/json";
import { describe, expect, it } from "vitest";
import { Rig } from "../../testing/rig.ts";
import { canonicalJson } from "./canonical.ts";
import { ViewSums } from "./view-sums.ts";

async function setUp() {
  const rig = await Rig.start();
  return { rig, sums: new ViewSums(rig.engine) };
}

describe("checksums of views", () => {
  it("are the same for what was folded in another order, and for what came out of a checkpoint", async () => {
    const [one, other, part] = [await setUp(), await setUp(), await setUp()];
    for (const [name, value] of [
      ["a", 1],
      ["b", 2],
    ] as const)
      await one.rig.publish([["feed", name, value]]);
    const entries = one.rig.engine.views.takeDirty();
    other.rig.engine.views.restore(entries.toReversed());
    part.rig.engine.views.restore(entries.filter(({ entity }) => entity === "a"));
    const of = async ({ sums }: { sums: ViewSums }) => (await sums.at(0, 0)).views["feeds"];
    expect(await of(one)).toEqual({ entities: 2, checksum: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(await of(other)).toEqual(await of(one));
    expect(await of(part)).not.toEqual(await of(one));
  });

  it("are of the moment of the capture, whatever is folded while they are made", async () => {
    const { rig, sums } = await setUp();
    await rig.publish([["feed", "a", 1]]);
    const before = await sums.at(1, 0);
    const waiting = sums.at(2, 1000);
    await rig.publish([
      ["feed", "a", 2],
      ["feed", "a", 3],
    ]);
    const fresh = new ViewSums(rig.engine);
    expect([before.offset, (await waiting).offset]).toEqual([1, 3]);
    expect((await waiting).views).toEqual((await fresh.at(0, 0)).views);
    expect((await waiting).views).not.toEqual(before.views);
  });

  it("are of where the log stands when what was waited for does not come, and refused where too many wait", async () => {
    const { rig, sums } = await setUp();
    const waiting = [1, 2, 3, 4].map(() => sums.at(10, 1000));
    await expect(sums.at(10, 1000)).rejects.toMatchObject({ code: "LIMIT_REACHED" });
    rig.clock.advance(1000);
    expect((await Promise.all(waiting)).map(({ offset }) => offset)).toEqual([0, 0, 0, 0]);
  });
});

it("JSON in one spelling has its fields in order, nothing for what is undefined, and every digit", () => {
  const text = '{"b":[1.10,{"d":50000.00,"c":null}],"a":"ü\\n"}';
  expect(canonicalJson({ ...(parseJson(text) as object), z: undefined })).toBe('{"a":"ü\\n","b":[1.10,{"c":null,"d":50000.00}]}');
});
