import { describe, expect, it } from "vitest";
import { EventsRefused } from "../publisher.ts";
import type { DeskEvent } from "./events.ts";
import { Tape } from "./tape.ts";

const validated = (rfqId: string): DeskEvent => ({ type: "rfq.validated", data: { rfqId } });
const quoted = (rfqId: string): DeskEvent => ({ type: "rfq.quoted", data: { rfqId } });

interface Line {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly tenantid: string;
}

/** A tape whose server holds each request until it is let go. */
function setUp() {
  const requests: { readonly lines: Line[]; settle: () => void; fail: (error: Error) => void }[] = [];
  const faults: unknown[] = [];
  const tape = new Tape({
    run: "run",
    publish: (lines) =>
      new Promise((settle, fail) => {
        requests.push({ lines: lines.map((line) => JSON.parse(line) as Line), settle, fail });
      }),
    onFault: (error) => faults.push(error),
  });
  const write = (rfqId: string, ...events: DeskEvent[]) => tape.write("bank", rfqId, events, 0);
  return { tape, requests, faults, write };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("the desk's tape", () => {
  it("keeps the order, one request at a time; what waits meanwhile goes together; an id never repeats", async () => {
    const { tape, requests, write } = setUp();
    const outcomes = [write("a", validated("a"), quoted("a")), write("b", validated("b")), write("a", quoted("a"))];
    expect(requests).toHaveLength(1);
    requests[0]?.settle();
    await turn();
    requests[1]?.settle();
    expect(await Promise.all(outcomes)).toEqual(["stored", "stored", "stored"]);
    await tape.idle();
    const lines = requests.map((request) => request.lines.map(({ type, subject }) => `${subject} ${type}`));
    expect(lines).toEqual([
      ["a rfq.validated", "a rfq.quoted"],
      ["b rfq.validated", "a rfq.quoted"],
    ]);
    const all = requests.flatMap((request) => request.lines);
    expect(new Set(all.map(({ id }) => id)).size).toBe(4);
    expect(all[0]).toMatchObject({ source: "demo/desk", id: "run/0", tenantid: "bank", time: "1970-01-01T00:00:00.000Z" });
  });

  it("lets go of an RFQ that the log contradicts, and publishes the others of the batch", async () => {
    const { requests, write } = setUp();
    const first = write("z", validated("z"));
    const outcomes = [write("a", validated("a")), write("b", validated("b"), quoted("b")), write("a", quoted("a"))];
    requests[0]?.settle();
    expect(await first).toBe("stored");
    await turn();
    requests[1]?.fail(new EventsRefused(422, JSON.stringify({ errors: [{ index: 0, path: "data.rfqId", message: "is filled" }] })));
    await turn();
    expect(requests[2]?.lines.map(({ type, subject }) => `${subject} ${type}`)).toEqual(["b rfq.validated", "b rfq.quoted"]);
    requests[2]?.settle();
    expect(await Promise.all(outcomes)).toEqual(["refused", "stored", "refused"]);
  });

  it("stores others' lines with the events they belong to, and lets go of both where they are refused", async () => {
    const { tape, requests, write } = setUp();
    const first = write("z", validated("z"));
    const deal = tape.write("bank", "a", [quoted("a")], 0, ['{"type":"trading.order.filled","subject":"ada"}']);
    const other = write("b", validated("b"));
    requests[0]?.settle();
    expect(await first).toBe("stored");
    await turn();
    const told = () => requests.at(-1)?.lines.map(({ type, subject }) => `${subject} ${type}`);
    expect(told()).toEqual(["a rfq.quoted", "ada trading.order.filled", "b rfq.validated"]);
    requests[1]?.fail(new EventsRefused(422, JSON.stringify({ errors: [{ index: 0, path: "data.rfqId", message: "is expired" }] })));
    expect(await deal).toBe("refused");
    await turn();
    expect(told()).toEqual(["b rfq.validated"]);
    requests[2]?.settle();
    expect(await other).toBe("stored");
  });

  it.each([new EventsRefused(401, "no"), new EventsRefused(422, "what"), new Error("broken")])(
    "tells of a fault that is nobody's: %s",
    async (error) => {
      const { requests, faults, write } = setUp();
      void write("a", validated("a"));
      requests[0]?.fail(error);
      await turn();
      expect(faults).toEqual([error]);
    },
  );

  it("is behind when the server does not keep up", async () => {
    const { tape, write } = setUp();
    for (let n = 0; n < 400; n++) void write("a", quoted("a"));
    expect(tape.isBehind).toBe(false);
    void write("a", quoted("a"));
    expect(tape.isBehind).toBe(true);
  });
});
