/** `GET /api/stream/alerts` (contract 50-sse). */
import { parseJson } from "@broadtape/protocol/json";
import type { AlertTriggered } from "@broadtape/protocol/products/alerts/schema";
import type { Message } from "../../engine/message.ts";
import type { Desk, StreamSurface } from "../../engine/surface.ts";
import { COMMON_EVENTS, COMMON_QUERY, replayOf } from "../streams/query.ts";
import { type StreamOptions, headOf, stream } from "../streams/stream.ts";

export function alertStream(options: StreamOptions, desk: Desk): StreamSurface {
  return stream(
    {
      name: "alerts",
      path: "/api/stream/alerts",
      about: { summary: "One's alerts", events: ["alert:new", ...COMMON_EVENTS], query: COMMON_QUERY },
      tells: new Set(["alert.triggered"]),
      plan: (query) => ({ topics: ["alerts:me"], ...replayOf(query) }),
      word(message) {
        const { alertId, level, message: text } = alertOf(message);
        return { name: "alert:new", body: { alertId, level, message: text, ...headOf(message) } };
      },
      reports: (message) => message.event === "alert.triggered" && alertOf(message).level === "error",
    },
    options,
    desk,
  );
}

/** As `shownAlert` made it. */
function alertOf({ data }: Message): AlertTriggered {
  return parseJson(data) as AlertTriggered;
}
