/** Publishes lines in order, batch by batch. */
import { batchesOf, bodyOf, type EventLine, eventOf, type BatchLimits } from "./events.ts";
import { BadLine, type Line } from "./lines.ts";
import { send, type SenderOptions, type Sent } from "./sender.ts";

export interface PublishOptions {
  readonly sender: SenderOptions;
  /** Stands in the ids of events that have none. */
  readonly fileName: string;
  readonly batch: BatchLimits;
  /** Called when the server has everything up to this line. */
  readonly onPublished: (upTo: Line, events: number) => void;
}

export interface Published {
  /** Events that the server has, duplicates included. */
  events: number;
  duplicates: number;
  requests: number;
  lastEventId: string | undefined;
}

export interface LineFault {
  readonly line: number;
  readonly message: string;
}

export type Outcome =
  | { readonly kind: "done" }
  /** Nothing of the batch with these lines was stored. */
  | { readonly kind: "refused"; readonly statusCode: number | undefined; readonly message: string; readonly faults: readonly LineFault[] }
  | { readonly kind: "unreachable"; readonly message: string };

/** Counts into `published` as it goes, so that the counts hold however it ends. */
export async function publishLines(lines: AsyncIterable<Line>, options: PublishOptions, published: Published): Promise<Outcome> {
  let badLine: BadLine | undefined;
  // What stands before a bad line is published before it is told.
  async function* events(): AsyncGenerator<EventLine> {
    try {
      for await (const line of lines) if (line.text !== "") yield eventOf(line, options.fileName);
    } catch (error) {
      if (!(error instanceof BadLine)) throw error;
      badLine = error;
    }
  }
  for await (const batch of batchesOf(events(), options.batch)) {
    const outcome = await publishBatch(batch, options, published);
    if (outcome.kind !== "done") return outcome;
  }
  if (badLine === undefined) return { kind: "done" };
  return {
    kind: "refused",
    statusCode: undefined,
    message: "a line is no event",
    faults: [{ line: badLine.line, message: badLine.message }],
  };
}

async function publishBatch(batch: readonly EventLine[], options: PublishOptions, published: Published): Promise<Outcome> {
  const sent = await send(bodyOf(batch), options.sender);
  switch (sent.kind) {
    case "unreachable":
      return sent;
    case "refused":
      // Its limit is below ours.
      if (sent.statusCode === 413 && batch.length > 1) return publishHalves(batch, options, published);
      return { kind: "refused", statusCode: sent.statusCode, message: sent.message, faults: faultsOf(sent, batch) };
    case "accepted": {
      published.events += batch.length;
      published.duplicates += sent.duplicates;
      published.requests += 1;
      published.lastEventId = sent.lastEventId ?? published.lastEventId;
      const last = batch.at(-1);
      if (last !== undefined) options.onPublished(last.line, published.events);
      return { kind: "done" };
    }
  }
}

async function publishHalves(batch: readonly EventLine[], options: PublishOptions, published: Published): Promise<Outcome> {
  const middle = Math.ceil(batch.length / 2);
  const first = await publishBatch(batch.slice(0, middle), options, published);
  return first.kind === "done" ? publishBatch(batch.slice(middle), options, published) : first;
}

/** The server counts within the request; people count within the file. */
function faultsOf(refused: Sent & { kind: "refused" }, batch: readonly EventLine[]): LineFault[] {
  const faults = refused.faults.flatMap(({ index, path, message }) => {
    const line = batch[index]?.line.number;
    return line === undefined ? [] : [{ line, message: path === "" ? message : `${path}: ${message}` }];
  });
  const only = batch.length === 1 ? batch[0] : undefined;
  return faults.length === 0 && only !== undefined ? [{ line: only.line.number, message: refused.message }] : faults;
}
