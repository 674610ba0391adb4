/** What has to be so when all is over, beside what everybody was told. */
import WebSocket from "ws";
import { token } from "../../contract/server.ts";
import type { ReaderContext } from "./reader.ts";
import type { Changed } from "./rest-clients.ts";
import type { Site } from "./site.ts";

/** What checks look at, and how they tell of what they find. */
export interface Scene {
  readonly site: Site;
  violation(who: string, what: string): void;
  say(what: string): void;
  /** Tells of what `find` still finds when so much time is over. */
  until(what: string, ms: number, find: () => string | undefined | Promise<string | undefined>): Promise<void>;
}

const MOST_BYTES = 600 * 2 ** 20;
/** A sweep, and another one. */
const SWEPT_MS = 75_000;

export async function checkChange(scene: Scene, context: ReaderContext, { id, possible }: Changed): Promise<void> {
  const headers = { authorization: `Bearer ${await token({ sub: context.user, tenantId: context.tenant })}` };
  for (const { name, url } of scene.site.cluster.nodes) {
    const text = await (await fetch(`${url}/api/v1/subscriptions/${id}`, { headers })).text();
    const { filters } = JSON.parse(text) as { filters?: { minAmount?: unknown } };
    if (!possible.has(Number(filters?.minAmount)))
      scene.violation(name, `says of a subscription changed to one of ${[...possible].join()}: ${text}`);
  }
}

export async function checkViews(scene: Scene): Promise<void> {
  const bearer = await token({ sub: "operator", permissions: ["stream:admin"] });
  await scene.until("views differ", 20_000, async () => {
    const response = await fetch(`${scene.site.cluster.url}/api/v1/operations/views`, { headers: { authorization: `Bearer ${bearer}` } });
    const text = await response.text();
    const { agree, nodes } = JSON.parse(text) as { agree: boolean | null; nodes: unknown[] };
    return agree === true && nodes.length === scene.site.cluster.nodes.length ? undefined : text;
  });
}

/** Of two connections with one name, at two nodes, the later one stays. */
export async function checkReplaced(scene: Scene): Promise<void> {
  const bearer = await token({ sub: "twin" });
  const [one, two, three] = scene.site.cluster.nodes;
  for (const [first, second] of [
    [one, two],
    [two, three],
    [three, one],
  ] as const) {
    for (const path of ["/api/v1/ws/transactions", "/api/v1/ws"]) {
      const open = [first, second].map((node) => {
        const address = `${node?.url.replace("http", "ws") ?? ""}${path}?clientId=twin`;
        return new WebSocket(address, { headers: { authorization: `Bearer ${bearer}` } }).on("error", () => undefined);
      });
      await scene.until("two connections have one name", 10_000, () => {
        const living = open.filter(({ readyState }) => readyState === WebSocket.OPEN).length;
        const isOpening = open.some(({ readyState }) => readyState === WebSocket.CONNECTING);
        return living === 1 && !isOpening ? undefined : `${living} are open`;
      });
      for (const socket of open) socket.terminate();
    }
  }
}

export async function checkMemory(scene: Scene): Promise<void> {
  for (const { name, url } of scene.site.cluster.nodes) {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const bytes = Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1] ?? NaN);
    scene.say(`${name}: ${Math.round(bytes / 2 ** 20)} MiB`);
    if (!(bytes < MOST_BYTES)) scene.violation(name, `holds ${bytes} bytes`);
  }
}

/** When everybody has gone, nothing is left of them. */
export async function checkLeftovers(scene: Scene): Promise<void> {
  const tables: Readonly<Record<string, string>> = {
    "seats are left": "select count(*)::int as n from broadtape.seats",
    "letters are left": "select count(*)::int as n from broadtape.letters where ends_at < now() - interval '15 s'",
    "events are pending that were acknowledged": "select count(*)::int as n from broadtape.websocket_pending_events",
    "connections count as open": "select count(*)::int as n from broadtape.websocket_connections where disconnected_at is null",
    "nodes are too many": `select greatest(0, count(*)::int - ${scene.site.cluster.nodes.length}) as n from broadtape.nodes`,
  };
  for (const [what, sql] of Object.entries(tables))
    await scene.until(what, SWEPT_MS, async () => {
      const [row] = await scene.site.database.query(sql);
      if (row?.["n"] === 0) return undefined;
      const [table = ""] = /broadtape\.\w+/.exec(sql) ?? [];
      const rows = await scene.site.database.query(`select * from ${table} limit 3`);
      return `${String(row?.["n"])}: ${JSON.stringify(rows)}`;
    });
  for (const { name, url } of scene.site.cluster.nodes)
    await scene.until(`${name} still has connections`, 10_000, async () => {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      const open = [...metrics.matchAll(/^broadtape_connections\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
      return open === 0 ? undefined : String(open);
    });
}
