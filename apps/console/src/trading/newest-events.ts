/** Which event last said something of an order or a trade, so that its way through the server can be followed. */
import type { Broadtape } from "@broadtape/client";
import type { EventMessage } from "@broadtape/protocol/native";

/** What tells of each topic's things: the field of an event's data that holds one. */
const TOLD_IN = { "orders:me": "order", "trades:me": "trade" } as const;

export class NewestEvents {
  readonly #limit: number;
  /** Event ids by the id of what they tell of, the one longest not told of first. Invariant: no more than `#limit`. */
  readonly #eventIds = new Map<string, string>();

  /** @param limit how many things are remembered */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Of what was told since the page was opened; what came with a snapshot before names no event. */
  readonly of = (id: string): string | undefined => this.#eventIds.get(id);

  take(id: string, eventId: string): void {
    this.#eventIds.delete(id);
    this.#eventIds.set(id, eventId);
    const [oldest] = this.#eventIds.keys();
    if (this.#eventIds.size > this.#limit && oldest !== undefined) this.#eventIds.delete(oldest);
  }
}

/** Remembers what the user's orders and trades are told by; returns a function that ends it. */
export function watchNewest(tape: Broadtape, newest: NewestEvents): () => void {
  const followings = Object.entries(TOLD_IN).map(([topic, field]) =>
    tape.follow(topic, {
      onEvent: ({ data, eventId }: EventMessage) => {
        const id = idIn(data, field);
        if (id !== undefined && eventId !== undefined) newest.take(id, eventId);
      },
    }),
  );
  return () => {
    for (const following of followings) following.unfollow();
  };
}

function idIn(data: unknown, field: string): string | undefined {
  const thing: unknown = isObject(data) ? data[field] : undefined;
  const id: unknown = isObject(thing) ? thing["id"] : undefined;
  return typeof id === "string" ? id : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
