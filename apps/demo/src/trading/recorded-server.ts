/** For tests: what the server would make of the books' lines, each checked as it would; it is read as the server is. */
import { type EventTypeName, catalogue } from "@broadtape/protocol/catalogue";
import { parseJson } from "@broadtape/protocol/json";
import { toBig } from "@broadtape/protocol/money";
import { type Trading, foldTrading, tradingSnapshotOf } from "@broadtape/protocol/products/trading/state";
import { STAKE, inCents } from "./account.ts";
import type { TradingEvent } from "./events.ts";

export type Line = TradingEvent & { readonly source: string; readonly tenantid: string; readonly time: string };

export class RecordedServer {
  /** What was stored, without repetitions. */
  readonly lines: Line[] = [];
  /** How many lines repeated one that was stored. */
  repeated = 0;
  readonly #ids = new Set<string>();
  readonly #users = new Map<string, Trading>();
  /** By user: the balance that the trades and positions make. */
  readonly #cash = new Map<string, ReturnType<typeof toBig>>();
  readonly #realized = new Map<string, ReturnType<typeof toBig>>();

  /** Takes lines that were published together; throws where they contradict each other or what was before. */
  readonly publish = async (texts: readonly string[]): Promise<void> => {
    for (const text of texts) {
      const line = JSON.parse(text) as Line;
      catalogue[line.type satisfies EventTypeName].schema.parse(parseJson(JSON.stringify(line.data)));
      if (this.#ids.has(line.id)) this.repeated++;
      else this.#store(line);
    }
  };

  /** As a page is shown it. */
  snapshotOf(userId: string) {
    return tradingSnapshotOf(this.#users.get(userId) ?? {});
  }

  /** Signs in whom it is asked to, and answers with snapshots of topics. */
  readonly fetch: typeof fetch = async (input, init) => {
    const { pathname } = new URL(new Request(input, init).url);
    if (pathname === "/api/demo/session") return Response.json({ token: "t" });
    const [, kind = "", userId = ""] = /topics\/(\w+):(\w+)\/snapshot$/.exec(pathname) ?? [];
    const snapshot = this.snapshotOf(userId);
    if (!(kind in snapshot)) return new Response("no", { status: 404 });
    return Response.json({ state: { [kind]: snapshot[kind as keyof typeof snapshot] } });
  };

  /** The types of what was stored of an order, in order. */
  storyOf(orderId: string): string[] {
    return this.lines.flatMap(({ type, id }) => (id.startsWith(`${orderId}/`) ? [type.slice("trading.".length)] : []));
  }

  #store(line: Line): void {
    this.#ids.add(line.id);
    this.lines.push(line);
    const { userId } = line.data;
    const event = { type: line.type, data: line.data, offset: this.lines.length };
    this.#users.set(userId, foldTrading(this.#users.get(userId) ?? {}, event));
    const cash = this.#cash.get(userId) ?? STAKE;
    switch (line.type) {
      case "trading.trade.executed":
        this.#cash.set(userId, cash.minus(toBig(line.data.trade.fee)));
        return;
      case "trading.position.opened":
      case "trading.position.updated":
      case "trading.position.closed": {
        const { id, realizedPnL } = line.data.position;
        const gain = toBig(realizedPnL).minus(this.#realized.get(id) ?? toBig(0));
        this.#realized.set(id, toBig(realizedPnL));
        this.#cash.set(userId, cash.plus(inCents(gain)));
        return;
      }
      case "trading.balance.updated": {
        const { total, available, locked } = line.data.balance;
        const isRight = toBig(total).eq(cash) && toBig(available).plus(toBig(locked)).eq(toBig(total));
        if (!isRight) throw new Error(`${userId}: told ${String(total)}, should be ${cash.toFixed(2)}`);
        return;
      }
      default:
        return;
    }
  }
}
