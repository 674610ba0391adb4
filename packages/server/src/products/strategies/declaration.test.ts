import { parseJson } from "@broadtape/protocol/json";
import { describe, expect, it } from "vitest";
import { productRig } from "../../../testing/product-rig.ts";
import { strategiesProduct } from "./declaration.ts";

const registered = (strategyId: string, userId = "ann", name = "Reversion") => ({
  type: "strategy.registered",
  data: { strategyId, userId, name },
  time: "2026-11-21T09:00:00Z",
});
const signal = '{"strategyId":"s1","signal":"oversold","symbol":"EUR/USD","action":"buy","confidence":0.90';

describe("strategies", () => {
  it("are followed by their owner alone: unknown and foreign ones are refused alike", async () => {
    const { publishAll, follow } = await productRig(strategiesProduct);
    await publishAll(registered("s1"), registered("s2", "ben"));
    expect((await follow("ann", ["strategy:s1", "strategy:s2", "strategy:none", "strategy:a b"])).codes).toEqual([
      "ok",
      "FORBIDDEN",
      "FORBIDDEN",
      "BAD_REQUEST",
    ]);
    expect((await follow("ann", ["strategy:s1"], { tenant: "other" })).codes).toEqual(["FORBIDDEN"]);
  });

  it("tell what the contract names of them, digits kept, and secrets in details hidden", async () => {
    const { publishAll, publish, follow } = await productRig(strategiesProduct);
    await publishAll(registered("s1"));
    const ann = await follow("ann", ["strategy:s1"]);
    await publish(
      "strategy.signal",
      parseJson(`${signal},"reasoning":"RSI","details":{"keys":[{"token":"t"}]},"internal":1,"userId":"eve"}`),
    );
    await publish("strategy.status", { strategyId: "s1", status: "error", error: "no prices", host: "10.0.0.1" });
    await publishAll(registered("s1", "ann", "Renamed"));
    expect(ann.told().map(({ event, text }) => [event, text])).toEqual([
      [
        "strategy.signal",
        '{"strategyId":"s1","userId":"ann","signal":"oversold","symbol":"EUR/USD","action":"buy","confidence":0.90,' +
          '"reasoning":"RSI","details":{"keys":[{"token":"[redacted]"}]}}',
      ],
      ["strategy.status", '{"strategyId":"s1","userId":"ann","status":"error","error":"no prices"}'],
      ["strategy.registered", '{"strategyId":"s1","userId":"ann","name":"Renamed"}'],
    ]);
    expect((await follow("ann", ["strategy:s1"], { after: ann.cut })).told()).toEqual(ann.told());
  });

  it("begin with their registration, standing and last signals", async () => {
    const { publishAll, publish, follow } = await productRig(strategiesProduct);
    await publishAll(registered("s1"));
    await publish("strategy.signal", parseJson(`${signal},"details":{"token":"t"}}`));
    await publish("strategy.status", { strategyId: "s1", status: "stopped", error: null });
    expect((await follow("ann", ["strategy:s1"])).states).toEqual([
      '{"strategyId":"s1","userId":"ann","name":"Reversion","signals":[{"signal":"oversold","symbol":"EUR/USD","action":"buy",' +
        '"confidence":0.90,"timestamp":"2026-11-21T09:00:00.000Z"}],"standing":{"status":"stopped","timestamp":"2026-11-21T09:00:00.000Z"}}',
    ]);
  });

  it("are registered before they say anything, also within a batch", async () => {
    const { publishAll, publish, faultsOf } = await productRig(strategiesProduct);
    const status = { strategyId: "s1", status: "started" };
    expect(await faultsOf("strategy.status", status)).toEqual([{ index: 0, path: "data.strategyId", message: "there is no strategy s1" }]);
    expect(await faultsOf("strategy.signal", parseJson(`${signal}}`))).toMatchObject([{ path: "data.strategyId" }]);
    await publishAll(registered("s1"), { type: "strategy.status", data: status });
    await publish("strategy.status", status);
  });

  it("never become somebody else's", async () => {
    const { publishAll, faultsOf, follow } = await productRig(strategiesProduct);
    await publishAll(registered("s1"));
    expect(await faultsOf("strategy.registered", registered("s1", "eve").data)).toMatchObject([{ path: "data.strategyId" }]);
    expect((await follow("eve", ["strategy:s1"])).codes).toEqual(["FORBIDDEN"]);
  });

  it("are stored with whose they are, whatever the publisher said", async () => {
    const { rig, publishAll } = await productRig(strategiesProduct);
    await publishAll(registered("s1"), { type: "strategy.status", data: { strategyId: "s1", status: "started", userId: "eve" } });
    expect(rig.disk.events.map(({ event }) => (JSON.parse(event.data) as { userId: string }).userId)).toEqual(["ann", "ann"]);
  });
});
