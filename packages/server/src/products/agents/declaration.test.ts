import { parseJson } from "@broadtape/protocol/json";
import { MAX_STATUS_CHARS } from "@broadtape/protocol/products/agents/agents";
import { describe, expect, it } from "vitest";
import { productRig } from "../../../testing/product-rig.ts";
import { agentsProduct } from "./declaration.ts";

const status = (agentId: string, is: string, more: object = {}) => ({ agentId, status: is, ...more });

describe("agents", () => {
  it("are told to everyone of the tenant, and to nobody else", async () => {
    const { publish, follow } = await productRig(agentsProduct);
    const ann = await follow("ann", ["agents", "agents:x", "agents:*"]);
    expect([ann.codes, ann.states]).toEqual([["ok", "BAD_REQUEST", "BAD_REQUEST"], ["null"]]);
    const other = await follow("ann", ["agents"], { tenant: "other" });
    await publish("agent.status", parseJson('{"agentId":"a1","status":"busy","load":0.50}'));
    expect(ann.told()).toEqual([{ topic: "agents", event: "agent.status", text: '{"agentId":"a1","status":"busy","load":0.50}' }]);
    expect(other.told()).toEqual([]);
  });

  it("all stand in the snapshot, as they were heard of last", async () => {
    const { publish, follow } = await productRig(agentsProduct);
    await publish("agent.status", status("a1", "busy"));
    await publish("agent.status", status("a2", "idle", { queue: 3 }));
    await publish("agent.status", status("a1", "gone"));
    const timestamp = "2026-11-21T09:00:00.000Z";
    expect((await follow("ann", ["agents"])).states.map((state) => JSON.parse(state) as unknown)).toEqual([
      {
        agents: [
          { agentId: "a2", timestamp, data: status("a2", "idle", { queue: 3 }) },
          { agentId: "a1", timestamp, data: status("a1", "gone") },
        ],
      },
    ]);
  });

  it("are told all at once to who comes back, under a type of its own", async () => {
    const { publish, follow } = await productRig(agentsProduct);
    const { cut } = await follow("ann", ["agents"]);
    await publish("agent.status", status("a1", "busy"));
    await publish("agent.status", status("a2", "busy"));
    const back = await follow("ann", ["agents"], { after: cut });
    expect(back.told().map(({ event }) => event)).toEqual(["agents.all"]);
    expect(back.told()[0]?.text).toBe(back.states[0]);
    expect((await follow("ann", ["agents"], { after: back.cut })).told()).toEqual([]);
  });

  it("show no secret, at any depth: it is not even stored", async () => {
    const { rig, publish, follow } = await productRig(agentsProduct);
    const ann = await follow("ann", ["agents"]);
    await publish("agent.status", parseJson('{"agentId":"a1","status":"busy","env":{"API-KEY":"k","rate":1.10}}'));
    const shown = '{"agentId":"a1","status":"busy","env":{"API-KEY":"[redacted]","rate":1.10}}';
    expect(ann.told()[0]?.text).toBe(shown);
    expect(rig.disk.events[0]?.event.data).toBe(shown);
    expect((await follow("ben", ["agents"])).states[0]).toContain(shown);
  });

  it("say so much at once and no more", async () => {
    const { faultsOf } = await productRig(agentsProduct);
    expect(await faultsOf("agent.status", status("a1", "busy", { log: "x".repeat(MAX_STATUS_CHARS) }))).toMatchObject([{ path: "data" }]);
    expect(await faultsOf("agent.status", status("a 1", "busy"))).toMatchObject([{ path: "data.agentId" }]);
  });
});
