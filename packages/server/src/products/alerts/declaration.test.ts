import { describe, expect, it } from "vitest";
import { productRig } from "../../../testing/product-rig.ts";
import { alertsProduct } from "./declaration.ts";

const alert = (alertId: string, more: object = {}) => ({ userId: "ann", alertId, level: "error", message: "margin call", ...more });

describe("alerts", () => {
  it("are told to their user alone, with what the contract names of them", async () => {
    const { publish, follow } = await productRig(alertsProduct);
    const ann = await follow("ann", ["alerts:me", "alerts:ann", "alerts:ben", "alerts:*", "alerts"]);
    expect(ann.codes).toEqual(["ok", "ok", "FORBIDDEN", "BAD_REQUEST", "BAD_REQUEST"]);
    const ben = await follow("ben", ["alerts:me"]);
    const namesake = await follow("ann", ["alerts:me"], { tenant: "other" });
    await publish("alert.triggered", alert("a1", { rule: { token: "s3cret" } }));
    expect(ann.told()).toEqual([
      { topic: "alerts:ann", event: "alert.triggered", text: '{"userId":"ann","alertId":"a1","level":"error","message":"margin call"}' },
    ]);
    expect([...ben.told(), ...namesake.told()]).toEqual([]);
  });

  it("begin with the newest, each with its time", async () => {
    const { publish, follow } = await productRig(alertsProduct);
    await publish("alert.triggered", alert("a1"));
    await publish("alert.triggered", alert("a2", { level: "info", by: "ops" }));
    await publish("alert.triggered", alert("a1"), "2026-11-21T10:00:01Z");
    expect((await follow("ann", ["alerts:me"])).states).toEqual([
      '{"alerts":[{"alertId":"a2","level":"info","message":"margin call","timestamp":"2026-11-21T09:00:00.000Z"},' +
        '{"alertId":"a1","level":"error","message":"margin call","timestamp":"2026-11-21T10:00:01.000Z"}]}',
    ]);
    expect((await follow("ben", ["alerts:me"])).states).toEqual(["null"]);
  });

  it("are all told to who comes back", async () => {
    const { publish, follow } = await productRig(alertsProduct);
    const { cut } = await follow("ann", ["alerts:me"]);
    for (const id of ["a1", "a2", "a1"]) await publish("alert.triggered", alert(id));
    const back = await follow("ann", ["alerts:me"], { after: cut });
    expect(back.told().map(({ text }) => (JSON.parse(text) as { alertId: string }).alertId)).toEqual(["a1", "a2", "a1"]);
  });

  it.each([{ level: "fatal" }, { alertId: "*" }, { userId: "a,b" }, { message: "" }, { message: "x".repeat(2049) }])(
    "are refused as %o",
    async (more) => {
      const { faultsOf } = await productRig(alertsProduct);
      expect(await faultsOf("alert.triggered", alert("a1", more))).toMatchObject([{ path: `data.${Object.keys(more)[0] ?? ""}` }]);
    },
  );
});
