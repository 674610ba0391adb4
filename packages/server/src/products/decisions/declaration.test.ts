import { parseJson } from "@broadtape/protocol/json";
import { describe, expect, it } from "vitest";
import { productRig } from "../../../testing/product-rig.ts";
import { decisionsProduct } from "./declaration.ts";

describe("AI decisions", () => {
  it("are told to their user alone", async () => {
    const { publish, follow } = await productRig(decisionsProduct);
    const ann = await follow("ann", ["decisions:me", "decisions:ben"]);
    expect([ann.codes, ann.states]).toEqual([["ok", "FORBIDDEN"], ["null"]]);
    const ben = await follow("ben", ["decisions:ben"]);
    await publish("ai.decision", { userId: "ann", action: "hold" });
    expect(ann.told().map(({ topic, event }) => [topic, event])).toEqual([["decisions:ann", "ai.decision"]]);
    expect(ben.told()).toEqual([]);
  });

  it("keep their form and digits, and hide secrets at any depth, live and to who comes back", async () => {
    const { publish, follow } = await productRig(decisionsProduct);
    const ann = await follow("ann", ["decisions:me"]);
    const plain = '{"userId":"ann","size":1.10,"why":[{"model":"m","score":12345678901234567890}]}';
    await publish("ai.decision", parseJson(plain));
    await publish("ai.decision", parseJson('{"userId":"ann","limit":5.00,"calls":[{"headers":{"Authorization":"Bearer x"},"api_key":1}]}'));
    const texts = [plain, '{"userId":"ann","limit":5.00,"calls":[{"headers":{"Authorization":"[redacted]"},"api_key":"[redacted]"}]}'];
    expect(ann.told().map(({ text }) => text)).toEqual(texts);
    expect((await follow("ann", ["decisions:me"], { after: ann.cut })).told().map(({ text }) => text)).toEqual(texts);
  });

  it("are refused without a user", async () => {
    const { faultsOf } = await productRig(decisionsProduct);
    for (const data of [{}, { userId: "" }, { userId: "*" }, { userId: 7 }])
      expect(await faultsOf("ai.decision", data)).toMatchObject([{ path: "data.userId" }]);
  });
});
