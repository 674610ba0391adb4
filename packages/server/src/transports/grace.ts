import type { Refusal } from "@broadtape/protocol/errors";

/** Who drains at all has read its last words by then. */
const GRACE_MS = 5000;
/** Who was not reading for a while learns why it was closed when it reads again, as long as that is soon. */
const SLOW_READERS_GRACE_MS = 30_000;

/** How long a connection that was closed may take to read what it was told, before it is cut. */
export function closeGraceMs({ code }: Pick<Refusal, "code">): number {
  return code === "SLOW_CONSUMER" ? SLOW_READERS_GRACE_MS : GRACE_MS;
}
