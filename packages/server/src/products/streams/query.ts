/** What all streams of contract 50-sse are asked by their query. */
import { Refusal } from "@broadtape/protocol/errors";

/** `?replay=none`; throws BAD_REQUEST for any other word. */
export function replayOf(query: URLSearchParams): { readonly replay: boolean } {
  const written = query.get("replay");
  if (written !== null && written !== "" && written !== "none") throw new Refusal("BAD_REQUEST", "must be `none`", { path: "replay" });
  return { replay: written !== "none" };
}

/** Of every stream; for its readers. */
export const COMMON_QUERY = {
  replay: "`none`: nothing of what came while there was no connection.",
};

/** Of every stream, beside its own. */
export const COMMON_EVENTS = ["connected", "agent:status", "heartbeat", "resync", "limit", "error"] as const;
