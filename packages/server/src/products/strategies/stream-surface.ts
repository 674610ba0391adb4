/** `GET /api/stream/strategies/:strategyId` (contract 50-sse). */
import { parseJson } from "@broadtape/protocol/json";
import type { Desk, StreamSurface } from "../../engine/surface.ts";
import { COMMON_EVENTS, COMMON_QUERY, replayOf } from "../streams/query.ts";
import { type StreamOptions, headOf, stream } from "../streams/stream.ts";

export function strategyStream(options: StreamOptions, desk: Desk): StreamSurface {
  return stream(
    {
      name: "strategies",
      path: "/api/stream/strategies/:strategyId",
      about: {
        summary: "What one's strategy signals, and whether it runs",
        events: ["strategy:update", ...COMMON_EVENTS],
        query: COMMON_QUERY,
        places: { strategyId: "Of one of one's own strategies." },
      },
      tells: new Set(["strategy.registered", "strategy.signal", "strategy.status"]),
      plan(query, identity, { strategyId = "" }) {
        const topic = `strategy:${strategyId}`;
        // Whether there is one of that name is not told to who may not follow it.
        return typeof desk.allow(identity, topic) === "string" ? undefined : { topics: [topic], ...replayOf(query) };
      },
      word: (message) => ({ name: "strategy:update", body: { ...(parseJson(message.data) as object), ...headOf(message) } }),
    },
    options,
    desk,
  );
}
