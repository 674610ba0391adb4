/** For tests: a desk on a fake clock, whose events are checked as the server would and written down. */
import { catalogue } from "@broadtape/protocol/catalogue";
import { parseJson } from "@broadtape/protocol/json";
import { type Rfq, STATUS_OF, foldRfq, isFinal, mayBecome } from "@broadtape/protocol/products/rfq/state";
import type { DealBook } from "./deal-book.ts";
import { Desk } from "./desk.ts";
import type { DeskEvent } from "./events.ts";
import { FakeClock } from "./fake-clock.ts";
import { idsOf } from "./ids.ts";
import { INSTRUMENTS } from "./instruments.ts";
import { MarketPrices } from "./market-prices.ts";
import { seeded } from "./random.ts";

export function recordedDesk(seed = 1, book?: DealBook) {
  const clock = new FakeClock();
  const random = seeded(seed);
  const prices = new MarketPrices();
  for (const { symbol } of INSTRUMENTS) prices.take({ symbol, source: "A", bid: "1.39350", ask: "1.39360" });
  const rfqs = new Map<string, Rfq>();
  const events: (DeskEvent & { readonly at: number; readonly tenant: string })[] = [];
  const server = { refuses: false, isBehind: false };
  const alongside: (readonly string[])[] = [];
  const tape = {
    get isBehind() {
      return server.isBehind;
    },
    write: async (tenant: string, rfqId: string, written: readonly DeskEvent[], at: number, others: readonly string[] = []) => {
      if (server.refuses) return "refused" as const;
      for (const each of written) {
        rfqs.set(rfqId, admit(rfqs.get(rfqId), each));
        events.push({ ...each, at, tenant });
      }
      if (others.length > 0) alongside.push(others);
      return "stored" as const;
    },
  };
  const desk = new Desk({ clock, random, prices, tape, newId: idsOf("run"), ...(book && { book }) });
  const typesOf = (rfqId: string) => events.filter(({ data }) => data.rfqId === rfqId).map(({ type }) => type);
  return { desk, clock, random, prices, events, rfqs, server, alongside, typesOf };
}

/** What the server would make of it; throws where it would refuse (contract 20-rfq "Event types"). */
function admit(rfq: Rfq | undefined, { type, data }: DeskEvent): Rfq {
  const read = catalogue[type].schema.parse(parseJson(JSON.stringify(data)));
  const next = STATUS_OF[type];
  if ((rfq === undefined) !== (type === "rfq.created"))
    throw new Error(`${type} of an RFQ that ${rfq === undefined ? "is not" : "is"} there`);
  if (rfq !== undefined && isFinal(rfq.status)) throw new Error(`${type} after ${rfq.status}`);
  if (rfq !== undefined && next !== undefined && !mayBecome(rfq.status, next)) throw new Error(`${type} after ${rfq.status}`);
  if (type === "quote.expired" && rfq?.quotes.some(({ id, status }) => id === data.quoteId && status === "valid") !== true)
    throw new Error(`${type} of a quote that does not stand`);
  const after = foldRfq(rfq, { type, data: read });
  if (after === undefined) throw new Error("nothing came of it");
  return after;
}
