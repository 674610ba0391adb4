/** The log as operators read it when all is over: what everybody should have been told. */
import { parseEventId, streamId } from "@broadtape/protocol/event-id";
import { token } from "../../contract/server.ts";
import { type Acknowledged, type Publisher, TENANTS, type Tenant } from "./publishers.ts";

export interface Logged {
  readonly offset: number;
  readonly eventId: string;
  readonly type: string;
  readonly source: string;
  readonly id: string;
  readonly topics: readonly string[];
}

export type Journal = Readonly<Record<Tenant, readonly Logged[]>>;

export async function readJournal(url: string): Promise<Journal> {
  const [tenant, other] = await Promise.all(TENANTS.map((name) => readLog(url, name)));
  return { tenant: tenant ?? [], other: other ?? [] };
}

async function readLog(url: string, tenantId: Tenant): Promise<Logged[]> {
  const headers = { authorization: `Bearer ${await token({ sub: "operator", tenantId, permissions: ["stream:admin"] })}` };
  const read = async (query: string) => {
    const response = await fetch(`${url}/api/v1/operations/tail?${query}`, { headers });
    if (response.status !== 200) throw new Error(`the log cannot be read: ${response.status} ${await response.text()}`);
    return (await response.json()) as { events: Logged[]; next: string; complete: boolean };
  };
  // Without `after` it begins with the newest.
  const { epoch } = parseEventId((await read("limit=1")).next) ?? {};
  if (epoch === undefined) throw new Error("the log tells of no cursor");
  const events: Logged[] = [];
  for (let after = streamId(epoch, 0, 0); ;) {
    const page = await read(`limit=1000&after=${after}`);
    events.push(...page.events);
    if (page.complete) return events;
    after = page.next;
  }
}

/** Offsets of what a topic was told, in order. */
export function offsetsOf(
  journal: Journal,
  tenant: Tenant,
  topics: readonly string[],
  isWanted: (event: Logged) => boolean = () => true,
): number[] {
  return journal[tenant]
    .filter((event) => isWanted(event) && event.topics.some((topic) => topics.includes(topic)))
    .map(({ offset }) => offset);
}

/** Whether the log holds what was acknowledged: once, there, and in its order. */
export function faultsOfLog(journal: Journal, publishers: ReadonlyMap<string, Publisher>): string[] {
  const faults: string[] = [];
  const all = TENANTS.flatMap((tenant) => journal[tenant]);
  const byId = new Map<string, Logged>();
  for (const event of all) {
    const key = `${event.source} ${event.id}`;
    if (byId.has(key)) faults.push(`${key} is twice in the log`);
    byId.set(key, event);
    const publisher = publishers.get(event.source);
    if (publisher === undefined && event.type !== "rfq.expired" && event.source !== "sessions")
      faults.push(`nobody published ${key} (${event.type})`);
    if (publisher !== undefined && !publisher.tried.has(event.id)) faults.push(`${event.source} never published ${event.id}`);
  }
  const offsets = all.map(({ offset }) => offset).toSorted((a, b) => a - b);
  const gap = offsets.findIndex((offset, index) => offset !== index + 1);
  if (gap >= 0) faults.push(`the log has a gap or a double at ${offsets[gap]}`);
  for (const [source, { acknowledged }] of publishers) faults.push(...faultsOf(source, acknowledged, byId));
  return faults;
}

function faultsOf(source: string, acknowledged: readonly Acknowledged[], byId: ReadonlyMap<string, Logged>): string[] {
  const faults: string[] = [];
  let last = 0;
  for (const { events } of acknowledged) {
    for (const { id, offset } of events) {
      const stored = byId.get(`${source} ${id}`);
      if (stored === undefined) faults.push(`${source} ${id} was acknowledged (${offset ?? "staged"}) and is not in the log`);
      else if (offset !== undefined && stored.offset !== offset)
        faults.push(`${source} ${id} was acknowledged at ${offset} and is at ${stored.offset}`);
      else if (stored.offset <= last) faults.push(`${source} ${id} is at ${stored.offset}, before what was published before it`);
      last = Math.max(last, stored?.offset ?? 0);
    }
  }
  return faults;
}

/** In words, what is wrong with what somebody was told. */
export function differences(expected: readonly number[], told: readonly number[]): string[] {
  const [all, heard] = [new Set(expected), new Set(told)];
  const lost = expected.filter((offset) => !heard.has(offset));
  const unknown = told.filter((offset) => !all.has(offset));
  const found: string[] = [];
  if (lost.length > 0) found.push(`lost ${lost.length} of ${expected.length}: ${some(lost)}`);
  if (unknown.length > 0) found.push(`was told ${unknown.length} that are not for it: ${some(unknown)}`);
  if (heard.size < told.length)
    found.push(`was told ${told.length - heard.size} twice: ${some(told.filter((offset, index) => told.indexOf(offset) !== index))}`);
  const wrong = told.findIndex((offset, index) => index > 0 && (told[index - 1] ?? 0) > offset);
  if (wrong > 0) found.push(`was told out of order: ${told[wrong - 1]} before ${told[wrong]}`);
  return found;
}

const some = (offsets: readonly number[]) => `${offsets.slice(0, 5).join(", ")}${offsets.length > 5 ? ", …" : ""}`;
