/** How events become a topic's state, by kind of topic: the code that the server uses, where the two differ in more than "newest wins". */
import type { EventMessage } from "@broadtape/protocol/native";

/** The next state; pure. */
export type Fold = (state: unknown, event: EventMessage) => unknown;

interface Kind {
  readonly fold: Fold;
  /** Conflated kinds begin anew with a snapshot after a cut; lossless ones resume from their cursor. */
  readonly isConflated: boolean;
}

/** The newest value is the state, with the id of the event that made it. */
const newestWins: Fold = (_state, { data, eventId }) => (typeof data === "object" && data !== null ? { ...data, eventId } : data);

const KINDS: Readonly<Record<string, Kind>> = {
  symbol: { fold: newestWins, isConflated: true },
};

const UNKNOWN: Kind = { fold: newestWins, isConflated: false };

export function kindOf(topic: string): Kind {
  return KINDS[topic.split(":", 1)[0] ?? ""] ?? UNKNOWN;
}
