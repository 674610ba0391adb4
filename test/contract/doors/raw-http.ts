/** HTTP as no well-behaved client speaks it, and the shape that every refusal has. */
import { type IncomingHttpHeaders, STATUS_CODES, request } from "node:http";
import { connect } from "node:net";
import { expect } from "vitest";
import type { TestServer } from "../server.ts";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

type Headers = Readonly<Record<string, string | string[]>>;

/** No answer within this is a hang. */
const ANSWER_MS = 60_000;

/** A request as it is, without what a well-behaved client would put right. A stream is read until `enough`, then cut. */
export function send(
  server: TestServer,
  method: string,
  path: string,
  { headers = {}, body, enough = /\n/ }: { headers?: Headers; body?: Uint8Array | string; enough?: RegExp } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const sent = request({ hostname, port, method, path, headers, agent: false, signal }, (response) => {
      let text = "";
      const isStream = String(response.headers["content-type"]).startsWith("text/event-stream");
      const end = () => {
        response.destroy();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      };
      response.on("data", (data: Buffer) => {
        text += data.toString();
        if (isStream && enough.test(text)) end();
      });
      response.on("end", end);
      response.on("error", reject);
    });
    sent.on("error", (error) => {
      reject(new Error(`${method} ${path.slice(0, 200)}: no answer: ${error.message}`));
    });
    sent.end(body);
  });
}

/** The body of every refusal, and nothing else (contract 00-common "Errors over HTTP"). */
export function expectRefusal({ status, headers, text }: Answer, ...allowed: number[]): void {
  expect({ status, text }).toMatchObject({ status: expect.toSatisfy((each: number) => allowed.includes(each)) });
  const { errors, ...body } = JSON.parse(text) as Record<string, unknown>;
  expect(body).toEqual({ error: STATUS_CODES[status], message: expect.any(String), statusCode: status });
  expect(body["message"]).not.toBe("");
  if (errors !== undefined) expect(status).toBe(422);
  expect(headers["x-correlation-id"]).toMatch(/^[\x21-\x7e]{1,128}$/);
}

/**
 * Bytes on a connection of their own, and then the end of what is sent; resolves with all that came back when the server closes. `isRequest`: the end
 * is sent after the answer, since a proxy that sees it takes the client for gone.
 */
export function sendRaw(server: TestServer, bytes: Uint8Array | string, { isRequest = false } = {}): Promise<string> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    socket.setTimeout(ANSWER_MS, () => {
      socket.destroy();
      reject(new Error(`the connection stays open after ${JSON.stringify(Buffer.from(bytes).toString("latin1").slice(0, 300))}`));
    });
    socket.on("data", (data: Buffer) => {
      text += data.toString();
      if (isRequest && text.endsWith("}")) socket.end();
    });
    // A server that has no use for the rest may cut the connection.
    socket.on("error", () => undefined);
    socket.on("end", () => socket.destroy());
    socket.on("close", () => {
      resolve(text);
    });
    if (isRequest) socket.write(bytes);
    else socket.end(bytes);
  });
}

/** The answers in what {@link sendRaw} brought; none where the connection was ended without a word. */
export function answersIn(text: string): Answer[] {
  const answers: Answer[] = [];
  for (let rest = text; rest !== "";) {
    const end = rest.indexOf("\r\n\r\n") + 4;
    const [statusLine = "", ...lines] = rest.slice(0, end).trimEnd().split("\r\n");
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
    );
    const length = Number(headers["content-length"] ?? rest.length);
    answers.push({ status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]), headers, text: rest.slice(end, end + length) });
    rest = end < 4 ? "" : rest.slice(end + length);
  }
  return answers;
}
