/** Ends sessions whose client shows no sign of life; asks for one before (contract 10-market-data). */
import { Refusal } from "@broadtape/protocol/errors";
import type { Clock } from "../engine/clock.ts";
import type { Session } from "../engine/session.ts";

/** `ask` makes a living client answer (a protocol ping); called once half the time has passed in silence. */
export function watchIdle(session: Session, clock: Clock, idleMs: number, ask: () => void): void {
  const silence = clock.monotonic() - session.heardAt;
  if (silence >= idleMs) {
    session.close(new Refusal("SLOW_CONSUMER", "no sign of life"));
    return;
  }
  const isQuiet = silence >= idleMs / 2;
  if (isQuiet) ask();
  session.arm("idle", isQuiet ? idleMs - silence : idleMs / 2 - silence, () => {
    watchIdle(session, clock, idleMs, ask);
  });
}
