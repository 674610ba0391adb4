/** What all kinds of clients have in common. */
import { parseEventId } from "@broadtape/protocol/event-id";
import { token } from "../../contract/server.ts";
import type { Journal } from "./journal.ts";
import type { Tenant } from "./publishers.ts";
import type { Random } from "./random.ts";
import type { Troubles } from "./troubles.ts";

export interface ReaderContext {
  readonly random: Random;
  readonly troubles: Troubles;
  /** nginx first, then the nodes. */
  readonly urls: readonly string[];
  readonly nodes: readonly { readonly name: string; readonly url: string }[];
  readonly tenant: Tenant;
  readonly user: string;
  readonly name: string;
  readonly onViolation: (what: string) => void;
}

export interface Reader {
  /** No more coming and going. */
  settle(): void;
  /** Undefined once it is live and has been told everything of the log. */
  behind(journal: Journal): string | undefined;
  /** What is wrong with what it was told. */
  faults(journal: Journal): string[];
  close(): void;
}

export function offsetOf(eventId: string): number {
  const place = parseEventId(eventId);
  if (place === undefined) throw new Error(`${eventId} is no id`);
  return place.offset;
}

export const bearerOf = ({ user, tenant }: Pick<ReaderContext, "user" | "tenant">) => token({ sub: user, tenantId: tenant });

/** What tells whose an event is: publishers name everything after their tenant, and say the user. */
export function leak(context: Pick<ReaderContext, "tenant" | "user">, data: unknown): string | undefined {
  const text = JSON.stringify(data);
  if (!text.includes(`"${context.tenant}`) && /"(tenant|other)[/-]/.test(text)) return `was told of another tenant: ${text}`;
  const [, userId] = /"userId":"(\w+)"/.exec(text) ?? [];
  return userId !== undefined && userId !== context.user ? `was told of ${userId}: ${text}` : undefined;
}

export const missing = (expected: readonly number[], told: ReadonlySet<number>) => {
  const lost = expected.filter((offset) => !told.has(offset));
  return lost.length === 0 ? undefined : `${lost.length} of ${expected.length} have not come, the first ${lost[0]}`;
};

/** Before the first attempt to come back. */
export const RECONNECTION_DELAY_MS = 100;
