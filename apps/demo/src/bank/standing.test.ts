import { describe, expect, it } from "vitest";
import { readStanding } from "./standing.ts";

async function read(answer: (path: string, body: string) => Response) {
  const asked: string[] = [];
  const wallets = await readStanding({
    url: "http://server",
    users: ["ada", "ben"],
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const body = await request.text();
      const { pathname } = new URL(request.url);
      asked.push(`${request.method} ${pathname} ${request.headers.get("authorization") ?? body}`);
      return answer(pathname, body);
    },
  });
  return { asked, wallets };
}
const setBy = '"offset":1,"time":"2026-01-05T09:00:00.000Z"';
const state = `{"state":{"wallets":[
  {"currency":"GBP","balance":{"availableBalance":49999999999999999.10,"ledgerBalance":50000000000000000.10,"pendingAmount":"1.00","lockedAmount":0,${setBy}},"standing":{"status":"FROZEN",${setBy}}},
  {"currency":"USD","standing":{"status":"ACTIVE",${setBy}}},
  {"currency":"NGN","standing":{"status":"ACTIVE",${setBy}}}]}}`;

describe("the wallets as they stand", () => {
  it("are read by each user's own token, digit for digit; those in currencies the bank does not have are not its business", async () => {
    const { asked, wallets } = await read((path, body) => {
      if (path === "/api/demo/session") return Response.json({ token: `of ${body}` });
      return new Response(path.includes("ada") ? state : '{"state":null}');
    });
    expect(asked).toEqual([
      'POST /api/demo/session {"user":"ada"}',
      'GET /api/v1/topics/wallets:ada/snapshot Bearer of {"user":"ada"}',
      'POST /api/demo/session {"user":"ben"}',
      'GET /api/v1/topics/wallets:ben/snapshot Bearer of {"user":"ben"}',
    ]);
    const told = wallets.map(({ ledger, pending, locked, ...wallet }) => ({
      ...wallet,
      amounts: [ledger, pending, locked].map((each) => each.toFixed(2)),
    }));
    expect(told).toEqual([
      { userId: "ada", currency: "GBP", isFrozen: true, amounts: ["50000000000000000.10", "1.00", "0.00"] },
      { userId: "ada", currency: "USD", isFrozen: false, amounts: ["0.00", "0.00", "0.00"] },
    ]);
  });

  it("are none where the server signs nobody in", async () => {
    expect((await read(() => new Response("", { status: 404 }))).wallets).toEqual([]);
  });

  it("cannot be guessed where they cannot be read, and that is told", async () => {
    await expect(read(() => new Response("later", { status: 503 }))).rejects.toThrow("ada cannot be signed in: 503 later");
    const noWallets = (path: string) =>
      path === "/api/demo/session" ? Response.json({ token: "t" }) : new Response("no", { status: 403 });
    await expect(read(noWallets)).rejects.toThrow("the wallets of ada cannot be read: 403 no");
  });
});
