import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "../testing.ts";

const directory = mkdtempSync(join(tmpdir(), "broadtape-cli-publish-"));
/** What the server was sent, one element a request. */
let requests: { headers: IncomingMessage["headers"]; lines: string[] }[] = [];
type Answer = (response: ServerResponse, events: readonly { id: string }[]) => void;
let answers: Answer[] = [];
let stored = new Set<string>();

/** As the contract has it: stored once by id. */
const accept: Answer = (response, events) => {
  const results = events.map(({ id }) => {
    const duplicate = stored.has(id);
    stored.add(id);
    return { id, eventId: `1-${id}`, offset: 1, duplicate };
  });
  response.setHeader("content-type", "application/json").end(JSON.stringify({ accepted: results.length, results }));
};

function refuse(statusCode: number, body: object, headers: Record<string, string> = {}): Answer {
  return (response) => response.writeHead(statusCode, headers).end(JSON.stringify({ error: "x", message: "because", statusCode, ...body }));
}

const eventIn = (line: string) => JSON.parse(line) as { id: string; data: { n: number } };

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const lines = Buffer.concat(chunks).toString().split("\n");
    requests.push({ headers: request.headers, lines });
    (answers.shift() ?? accept)(response, lines.map(eventIn));
  });
});

let url = "";
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
});
beforeEach(() => {
  requests = [];
  answers = [];
  stored = new Set();
});

function file(name: string, lines: readonly string[]): string {
  const path = join(directory, name);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
  return path;
}

const event = (n: number) => `{"type":"market-data.quote","data":{"n":${n}}}`;
const publish = (path: string, ...args: string[]) => runCommand(["publish", path, "--json", "--url", url, "--token", "t0k3n", ...args]);
const summaryOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout) as Record<string, unknown>;

describe("broadtape publish", () => {
  it("sends the lines in order, in batches, as the token's owner", async () => {
    const ran = await publish(file("order.ndjson", [1, 2, 3, 4, 5].map(event)), "--batch-size", "2");
    expect(ran.code).toBe(0);
    expect(requests.map(({ lines }) => lines.length)).toEqual([2, 2, 1]);
    expect(requests.flatMap(({ lines }) => lines.map((line) => eventIn(line).data.n))).toEqual([1, 2, 3, 4, 5]);
    expect(requests[0]?.headers).toMatchObject({ authorization: "Bearer t0k3n", "content-type": "application/x-ndjson" });
    expect(summaryOf(ran)).toMatchObject({ events: 5, duplicates: 0, requests: 3, retries: 0 });
  });

  it("gives events without an id one that is the same in every run, and another on every line", async () => {
    const path = file("ids.ndjson", [event(1), event(1), '{"id":"own","type":"t","data":{}}']);
    const [first, second] = [await publish(path), await publish(path)];
    const ids = requests.map(({ lines }) => lines.map((line) => eventIn(line).id));
    expect(ids[0]).toEqual(ids[1]);
    expect(new Set(ids[0]).size).toBe(3);
    expect(ids[0]?.[2]).toBe("own");
    expect([summaryOf(first)["duplicates"], summaryOf(second)["duplicates"]]).toEqual([0, 3]);
  });

  it("keeps every digit, and takes Windows line ends, empty lines and a missing last line break", async () => {
    const path = join(directory, "digits.ndjson");
    writeFileSync(path, '\ufeff{"type":"t","data":{"price":1.10,"size":100000000000000000001}}\r\n\r\n{"type":"t","data":{}}');
    expect((await publish(path)).code).toBe(0);
    expect(requests[0]?.lines).toHaveLength(2);
    expect(requests[0]?.lines[0]).toMatch(/^\{"id":"[0-9a-f]{32}","type":"t","data":\{"price":1\.10,"size":100000000000000000001\}\}$/);
  });

  it("reads standard input", async () => {
    const ran = await runCommand(["publish", "-"], {
      env: { BROADTAPE_URL: url, BROADTAPE_TOKEN: "t" },
      stdin: `${event(1)}\n${event(2)}`,
    });
    expect(ran.stdout).toMatch(/^2 events in [\d.]+ s/);
    expect(requests[0]?.lines).toHaveLength(2);
  });

  it("names the line that the server refuses, with the field", async () => {
    answers = [accept, refuse(422, { errors: [{ index: 1, path: "data.bid", message: "must be a number" }] })];
    const path = file("bad.ndjson", [1, 2, 3, 4].map(event));
    const ran = await publish(path, "--batch-size", "2");
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(`${path}:4: data.bid: must be a number`);
    expect(summaryOf(ran)).toMatchObject({ events: 2, failure: { kind: "refused", statusCode: 422, faults: [{ line: 4 }] } });
  });

  it("names the line that is no JSON, after publishing those before it", async () => {
    const path = file("broken.ndjson", [event(1), "{broken", event(3)]);
    const ran = await publish(path);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(`${path}:2: is not JSON`);
    expect(requests.map(({ lines }) => lines.length)).toEqual([1]);
  });

  it("comes back after 503 when the server says, and after a lost connection", async () => {
    const times: number[] = [];
    const timed =
      (answer: Answer): Answer =>
      (response, events) => {
        times.push(performance.now());
        answer(response, events);
      };
    answers = [timed(refuse(503, {}, { "retry-after": "1" })), timed((response) => response.destroy()), timed(accept)];
    const ran = await publish(file("retry.ndjson", [event(1)]));
    expect(ran.code).toBe(0);
    expect(summaryOf(ran)).toMatchObject({ events: 1, retries: 2 });
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990);
    expect(new Set(requests.map(({ lines }) => lines.join("\n"))).size).toBe(1);
  });

  it("gives up on a server that is not there", async () => {
    const ran = await publish(file("away.ndjson", [event(1)]), "--url", "http://127.0.0.1:1", "--give-up-after", "300ms");
    expect(ran.code).toBe(4);
    expect(ran.stderr).toContain("http://127.0.0.1:1 does not answer");
  });

  it("halves a batch that is too large for the server, in order", async () => {
    answers = [refuse(413, {}), accept, refuse(413, {}), accept, accept];
    const ran = await publish(file("large.ndjson", [1, 2, 3, 4].map(event)));
    expect(ran.code).toBe(0);
    expect(requests.map(({ lines }) => lines.map((line) => eventIn(line).data.n))).toEqual([[1, 2, 3, 4], [1, 2], [3, 4], [3], [4]]);
  });

  it("names the one event that is too large", async () => {
    answers = [refuse(413, {}), refuse(413, {})];
    const path = file("one.ndjson", [1, 2].map(event));
    const ran = await publish(path);
    expect([ran.code, ran.stderr.includes(`${path}:1: because`)]).toEqual([2, true]);
  });

  it.each([401, 403])("ends with 3 on %i and without a token", async (statusCode) => {
    answers = [refuse(statusCode, {})];
    expect((await publish(file("who.ndjson", [event(1)]))).code).toBe(3);
    expect((await runCommand(["publish", "-", "--url", url])).code).toBe(3);
    expect(requests).toHaveLength(1);
  });

  it("never says the token", async () => {
    answers = [refuse(401, {}), refuse(500, {})];
    const [refused, away] = [
      await publish(file("quiet.ndjson", [event(1)])),
      await publish(file("quiet.ndjson", [event(1)]), "--give-up-after", "0s"),
    ];
    for (const { stdout, stderr } of [refused, away]) expect(stdout + stderr).not.toContain("t0k3n");
  });
});

describe("a resume file", () => {
  const resume = join(directory, "resume.json");

  it("lets a run go on where the one before was cut short", async () => {
    const path = file("resumed.ndjson", [1, 2, 3, 4, 5].map(event));
    answers = [accept, refuse(400, {})];
    expect((await publish(path, "--batch-size", "2", "--resume-file", resume)).code).toBe(2);
    requests = [];
    const ran = await publish(path, "--batch-size", "2", "--resume-file", resume);
    expect(requests.flatMap(({ lines }) => lines.map((line) => eventIn(line).data.n))).toEqual([3, 4, 5]);
    expect(summaryOf(ran)).toMatchObject({ events: 3, resumedAfterLine: 2 });
  });

  it("lets a file grow: a later run publishes what is new", async () => {
    const path = file("grown.ndjson", [event(1)]);
    const own = `${resume}.grown`;
    await publish(path, "--resume-file", own);
    writeFileSync(path, `${event(1)}\n${event(2)}\n`);
    requests = [];
    expect(summaryOf(await publish(path, "--resume-file", own))).toMatchObject({ events: 1, resumedAfterLine: 1 });
    expect(requests[0]?.lines[0]).toContain('"n":2');
    requests = [];
    expect(summaryOf(await publish(path, "--resume-file", own))).toMatchObject({ events: 0 });
    expect(requests).toHaveLength(0);
  });

  it("works for standard input, which is read again from its beginning", async () => {
    const own = `${resume}.stdin`;
    const run = (stdin: string) => runCommand(["publish", "-", "--url", url, "--token", "t", "--resume-file", own], { stdin });
    await run(`${event(1)}\n`);
    requests = [];
    expect((await run(`${event(1)}\n${event(2)}\n`)).code).toBe(0);
    expect(requests.map(({ lines }) => lines.length)).toEqual([1]);
  });

  it("is not taken for another file, nor for one that was changed", async () => {
    const own = `${resume}.changed`;
    const path = file("changed.ndjson", [event(1), event(2)]);
    await publish(path, "--resume-file", own);
    expect((await publish(file("another.ndjson", [event(1)]), "--resume-file", own)).stderr).toContain(
      "is the resume file of changed.ndjson",
    );
    file("changed.ndjson", [event(1), event(9)]);
    const ran = await publish(path, "--resume-file", own);
    expect([ran.code, ran.stderr.includes("delete the resume file")]).toEqual([1, true]);
    writeFileSync(own, "{}");
    expect((await publish(path, "--resume-file", own)).stderr).toContain("is not a resume file");
  });

  it("says what it says", async () => {
    const own = `${resume}.text`;
    await publish(file("text.ndjson", [event(1), event(2)]), "--resume-file", own);
    const hash = createHash("sha256").update(event(2)).digest("hex");
    expect(JSON.parse(readFileSync(own, "utf8"))).toEqual({ file: "text.ndjson", line: 2, start: event(1).length + 1, hash });
  });
});
