import { describe, expect, it } from "vitest";
import type { DeskEvent } from "./events.ts";
import { endLeftovers } from "./leftovers.ts";

const NOW = Date.UTC(2026, 0, 5, 9);
const at = (ms: number) => new Date(NOW + ms).toISOString();
const late = { id: "demo-rfq-a-2", status: "quoted", expiresAt: at(-1) };
const rfqs = [
  { id: "demo-rfq-a-1", status: "filled", expiresAt: at(-1) },
  late,
  { id: "demo-rfq-a-3", status: "pending", expiresAt: at(5000) },
  { id: "rfq-1", status: "quoted", expiresAt: at(-1) },
];

async function end(answer: (url: string) => Response, tenants = ["demo-bank", "demo-fund"]) {
  const written: { tenant: string; rfqId: string; events: readonly DeskEvent[] }[] = [];
  const asked: string[] = [];
  await endLeftovers({
    url: "http://server",
    tokens: new Map(tenants.map((tenant) => [tenant, `of ${tenant}`])),
    traders: [
      { userId: "ada", tenant: "demo-bank" },
      { userId: "cleo", tenant: "demo-fund" },
    ],
    fetch: async (input, init) => {
      const { url, headers } = new Request(input, init);
      asked.push(`${headers.get("authorization")} ${url}`);
      return answer(url);
    },
    now: () => NOW,
    write: async (tenant, rfqId, events) => {
      written.push({ tenant, rfqId, events });
    },
  });
  return { written, asked };
}

describe("what an earlier start left open", () => {
  it("is ended in its tenant, as its time says; another publisher's RFQs are not this desk's business", async () => {
    const { written, asked } = await end((url) =>
      Response.json({ state: { rfqs: url.includes("ada") ? rfqs : [{ ...late, id: "demo-rfq-a-4" }] } }),
    );
    expect(asked).toEqual([
      "Bearer of demo-bank http://server/api/v1/topics/trader:ada/snapshot",
      "Bearer of demo-fund http://server/api/v1/topics/trader:cleo/snapshot",
    ]);
    expect(written).toEqual([
      { tenant: "demo-bank", rfqId: "demo-rfq-a-2", events: [{ type: "rfq.expired", data: { rfqId: "demo-rfq-a-2" } }] },
      {
        tenant: "demo-bank",
        rfqId: "demo-rfq-a-3",
        events: [{ type: "rfq.cancelled", data: { rfqId: "demo-rfq-a-3", reason: "the desk was started again" } }],
      },
      { tenant: "demo-fund", rfqId: "demo-rfq-a-4", events: [{ type: "rfq.expired", data: { rfqId: "demo-rfq-a-4" } }] },
    ]);
  });

  it("cannot be ended where it cannot be read, and that is told", async () => {
    await expect(end(() => new Response("no", { status: 403 }))).rejects.toThrow("the RFQs of ada cannot be read: 403 no");
    const nothingOpen = () => Response.json({ state: null });
    await expect(end(nothingOpen, ["demo-bank"])).rejects.toThrow("the RFQs of cleo cannot be read: there is no token of demo-fund");
  });
});
