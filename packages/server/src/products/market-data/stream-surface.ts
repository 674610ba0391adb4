/** `GET /market-data/stream` (contract 10-market-data; keepalive, resume and headers as in 50-sse). */
import { Refusal } from "@broadtape/protocol/errors";
import { updatesPerSecond } from "@broadtape/protocol/native";
import { isoTime } from "../../engine/clock.ts";
import { withEventId } from "../../engine/message.ts";
import { type StreamPlan, type StreamSurface, errorBody } from "../../engine/surface.ts";
import type { MarketData } from "./declaration.ts";
import { isKnown } from "./known.ts";

export function marketDataStream(
  product: MarketData,
  options: { readonly heartbeatMs: number; readonly symbolsPerClient: number },
): StreamSurface {
  return {
    name: "market-data-stream",
    path: "/market-data/stream",
    about: {
      summary: "Best prices of symbols, the newest of each",
      events: ["price", "heartbeat", "resync", "error"],
      query: { symbols: "Separated by commas.", maxUpdatesPerSecond: "Of each symbol; without it, as they come." },
    },
    heartbeatMs: options.heartbeatMs,
    beatsWhenBusy: false,
    word: (message) => ({ name: "price", body: withEventId(message.data, message.eventId), id: message.eventId }),
    heartbeat: (lastEventId, now) => ({
      name: "heartbeat",
      body: JSON.stringify({ timestamp: isoTime(now), lastEventId }),
      comment: "keepalive",
    }),
    refuse: (refusal) => ({ name: "error", body: errorBody(refusal) }),
    plan(query, identity, desk): StreamPlan {
      const symbols = [
        ...new Set(
          (query.get("symbols") ?? "")
            .split(",")
            .map((symbol) => symbol.trim())
            .filter(Boolean),
        ),
      ];
      if (symbols.length === 0) throw new Refusal("BAD_REQUEST", "the query parameter symbols is missing", { path: "symbols" });
      if (symbols.length > options.symbolsPerClient)
        throw new Refusal("BAD_REQUEST", `at most ${options.symbolsPerClient} symbols`, { path: "symbols" });
      const unknown = symbols.filter((symbol) => !isKnown(product, desk, identity, symbol));
      if (unknown.length > 0) throw new Refusal("BAD_REQUEST", `${unknown.join(", ")}: invalid symbol`, { path: "symbols" });
      const rate = query.get("maxUpdatesPerSecond");
      const maxUpdatesPerSecond = rate === null ? undefined : updatesPerSecond.safeParse(Number(rate));
      if (maxUpdatesPerSecond?.success === false)
        throw new Refusal("BAD_REQUEST", "maxUpdatesPerSecond is not a rate", { path: "maxUpdatesPerSecond" });
      return { topics: symbols.map((symbol) => `symbol:${symbol}`), maxUpdatesPerSecond: maxUpdatesPerSecond?.data };
    },
    open(session, desk, { topics, maxUpdatesPerSecond }, after) {
      // Prices that are newer than what the client has come as what was missed; the others it has.
      const snapshot = after === undefined;
      desk.follow(session, { topics, maxUpdatesPerSecond, after, snapshot }, Infinity, ({ snapshots, resync, cut }) => {
        if (resync !== undefined) session.say({ name: "resync", body: JSON.stringify({ reason: resync.reason, eventId: cut }) });
        for (const { state } of snapshots) {
          if (state === "null") continue;
          session.say({ name: "price", body: state, id: eventIdOf(state) });
        }
      });
    },
  };
}

/** The engine ends every state with its own event id. */
function eventIdOf(state: string): string | undefined {
  return /"eventId":"([^"]+)"\}$/.exec(state)?.[1];
}
