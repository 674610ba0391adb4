/** How events become a topic's state: the code that the server uses, where that is more than "newest wins". */
import type { EventMessage } from "@broadtape/protocol/native";

/** The next state; pure. `state` is undefined where nothing was published before. */
export type Fold<State = unknown> = (state: State | undefined, event: EventMessage) => State;

/** By kind of topic (`symbol` of `symbol:EURUSD`). */
export type Folds = Readonly<Record<string, Fold>>;

/** The event's data is the state, with the id of the event that made it, as in a snapshot. */
const newestWins: Fold = (_state, { data, eventId }) => (typeof data === "object" && data !== null ? { ...data, eventId } : data);

export const DEFAULT_FOLDS: Folds = { symbol: newestWins };

export function kindOf(topic: string): string {
  return topic.split(":", 1)[0] ?? "";
}
