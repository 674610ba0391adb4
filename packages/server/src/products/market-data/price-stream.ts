/** `GET /api/stream/prices` (contract 50-sse): the public tenant's best prices for anybody, and the own tenant's for who signs in. */
import { Refusal } from "@broadtape/protocol/errors";
import { parseJson } from "@broadtape/protocol/json";
import type { BestPrice } from "@broadtape/protocol/products/market-data/best-price";
import { SYMBOL } from "@broadtape/protocol/products/market-data/schema";
import { isoTime } from "../../engine/clock.ts";
import type { Desk, StreamSurface } from "../../engine/surface.ts";
import { COMMON_EVENTS } from "../streams/query.ts";
import { type StreamOptions, type StreamWords, stream } from "../streams/stream.ts";
import { FIREHOSE } from "./declaration.ts";

const WINDOW_MS = 100;
const ALL = ["symbol:*"];
const SYMBOL_AT = "symbol:".length;

export function priceStream(options: StreamOptions & { readonly symbolsPerClient: number }, desk: Desk): StreamSurface {
  return stream(
    {
      name: "prices",
      path: "/api/stream/prices",
      isPublic: true,
      isConflated: true,
      windowMs: WINDOW_MS,
      about: {
        summary: "Best prices, the newest of each symbol, at most ten times a second; for anybody",
        events: ["price:update", ...COMMON_EVENTS],
        query: { symbols: "Separated by commas; without it, all." },
      },
      tells: new Set(["market-data.best-price"]),
      // On this stream alone all prices are everybody's.
      identityOf: (identity) => ({ ...identity, permissions: new Set([...identity.permissions, FIREHOSE]) }),
      plan(query) {
        const written = query.get("symbols");
        const symbols = [...new Set((written ?? "").split(",").map((symbol) => symbol.trim()))].filter(Boolean);
        if (symbols.length === 0) return { topics: ALL };
        const bad = symbols.find((symbol) => !SYMBOL.test(symbol));
        if (bad !== undefined) throw new Refusal("BAD_REQUEST", `${bad.slice(0, 64)}: no symbol`, { path: "symbols" });
        if (symbols.length > options.symbolsPerClient)
          throw new Refusal("BAD_REQUEST", `at most ${options.symbolsPerClient} symbols`, { path: "symbols" });
        return { topics: symbols.map((symbol) => `symbol:${symbol}`) };
      },
      word: ({ data, eventId }) => ({ name: "price:update", body: { ...lineOf(parseJson(data) as BestPrice), eventId } }),
      snapshot: (_session, _plan, { cut, states }) => states.map(({ topic, state }) => initial(topic.slice(SYMBOL_AT), state, cut, desk)),
    },
    options,
    desk,
  );
}

/** A price as it stands when the stream begins; a symbol of which nothing is known has none yet. */
function initial(symbol: string, state: string, cut: string, desk: Desk): StreamWords {
  const price = state === "null" ? undefined : (parseJson(state) as BestPrice & { readonly eventId: string });
  const line = lineOf(price ?? { symbol, timestamp: desk.clock.now() });
  return { name: "price:update", body: { ...line, initializing: true, eventId: price?.eventId ?? cut } };
}

/** A side that nobody quotes is left out, and with it the price between. */
function lineOf({ symbol, bestBid, bestAsk, midPrice, timestamp }: BestPrice) {
  return {
    symbol,
    ...(midPrice != null && { price: midPrice }),
    ...(bestBid != null && { bid: bestBid.price }),
    ...(bestAsk != null && { ask: bestAsk.price }),
    timestamp: isoTime(timestamp),
  };
}
