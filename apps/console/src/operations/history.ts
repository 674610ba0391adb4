/** The last hour: the samples that are known, and charts' lines made of them. */
import type { OperationsHistory, OperationsSample } from "@broadtape/protocol/operations";
import { ask } from "./ask.ts";
import { ofNode } from "./nodes.ts";

const KEPT_MS = 3_600_000;
/** Samples further apart than so many of their length have a gap between them. */
const GAP_SAMPLES = 2.5;

export interface History {
  readonly sampleMs: number;
  /** Oldest first, of the last hour. */
  readonly samples: readonly OperationsSample[];
}

/** Asks for what it does not know yet, and adds it to what it does. */
export function historyReader(authorized: typeof fetch, node = ""): () => Promise<History> {
  let known: History = { sampleMs: 0, samples: [] };
  return async () => {
    const newest = known.samples.at(-1)?.at;
    const query = newest === undefined ? "" : `?after=${encodeURIComponent(newest)}`;
    // The answer is what the protocol says of this path: page and server are of one build.
    const fresh = (await ask(authorized, ofNode(`api/v1/operations/history${query}`, node))) as OperationsHistory;
    known = merged(known, fresh);
    return known;
  };
}

/** Samples of before a restart of the node are as true as they were. */
export function merged(known: History, { sampleMs, samples }: OperationsHistory): History {
  const newest = Date.parse(known.samples.at(-1)?.at ?? "");
  const fresh = Number.isNaN(newest) ? samples : samples.filter(({ at }) => Date.parse(at) > newest);
  const all = [...known.samples, ...fresh];
  const end = Date.parse(all.at(-1)?.at ?? "");
  return { sampleMs, samples: all.filter(({ at }) => end - Date.parse(at) < KEPT_MS) };
}

export type Column = (number | null)[];
/** Seconds since the epoch, then a column a line. */
export type Columns = [number[], ...Column[]];

/** Lines of a chart; null where nothing is known, a sample of it wherever the node was away. */
export function columnsOf({ sampleMs, samples }: History, lines: readonly ((sample: OperationsSample) => number | null)[]): Columns {
  const times: number[] = [];
  const columns: Column[] = lines.map(() => []);
  let before: number | undefined;
  for (const sample of samples) {
    const at = Date.parse(sample.at);
    if (before !== undefined && at - before > GAP_SAMPLES * sampleMs) {
      times.push((at - sampleMs) / 1000);
      for (const column of columns) column.push(null);
    }
    times.push(at / 1000);
    for (const [index, line] of lines.entries()) columns[index]?.push(line(sample));
    before = at;
  }
  return [times, ...columns];
}

/** How often a second something happened that a sample counts. */
export function perSecond(count: number, { ms }: Pick<OperationsSample, "ms">): number | null {
  return ms > 0 ? (count * 1000) / ms : null;
}

export function sumOver({ samples }: History, count: (sample: OperationsSample) => number): number {
  return samples.reduce((sum, sample) => sum + count(sample), 0);
}
