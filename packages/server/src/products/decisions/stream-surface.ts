/** `GET /api/stream/ai-decisions` (contract 50-sse). */
import { parseJson } from "@broadtape/protocol/json";
import type { Desk, StreamSurface } from "../../engine/surface.ts";
import { COMMON_EVENTS, COMMON_QUERY, replayOf } from "../streams/query.ts";
import { type StreamOptions, headOf, stream } from "../streams/stream.ts";

export function decisionStream(options: StreamOptions, desk: Desk): StreamSurface {
  return stream(
    {
      name: "ai-decisions",
      path: "/api/stream/ai-decisions",
      about: { summary: "Decisions that were taken for one", events: ["ai:decision", ...COMMON_EVENTS], query: COMMON_QUERY },
      tells: new Set(["ai.decision"]),
      plan: (query) => ({ topics: ["decisions:me"], ...replayOf(query) }),
      word: (message) => ({ name: "ai:decision", body: { ...(parseJson(message.data) as object), ...headOf(message) } }),
    },
    options,
    desk,
  );
}
