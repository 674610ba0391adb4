/** What the engine tells whoever keeps a journal of it: rare things, a line each. Nothing of it is on the hot path. */
import type { Message } from "./message.ts";
import type { Session } from "./session.ts";

export interface Journal {
  /** A session has ended. `code`: `lost` where the client or the network ended it. */
  ended(session: Session, code: string): void;
  /** A connection does not keep up: its lossless lane goes on from the log when it does. */
  overflowed(session: Session): void;
  /** A message was sent whose delivery its surface reports. */
  delivered(session: Session, message: Message): void;
}

export const NO_JOURNAL: Journal = { ended: () => undefined, overflowed: () => undefined, delivered: () => undefined };
