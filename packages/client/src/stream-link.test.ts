import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WELCOME } from "../testing/fake-environment.ts";
import type { LinkEnd, LinkMessage } from "./link.ts";
import { openStreamLink } from "./stream-link.ts";

/** A request that waits until the test answers it. */
interface Asked {
  readonly url: string;
  readonly init: RequestInit;
  readonly answer: (response: Response) => void;
  readonly fail: () => void;
}

let asked: Asked[] = [];
beforeEach(() => {
  asked = [];
  vi.stubGlobal(
    "fetch",
    (url: string, init: RequestInit) =>
      new Promise<Response>((resolve, reject) => {
        const fail = () => {
          reject(new TypeError("the network is down"));
        };
        init.signal?.addEventListener("abort", fail);
        asked.push({ url, init, answer: resolve, fail });
      }),
  );
});
afterEach(() => {
  vi.unstubAllGlobals();
});

/** Streams and promises of the platform have been worked off. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
const posts = () => asked.slice(1);
const commandsOf = ({ init }: Asked): unknown => (typeof init.body === "string" ? JSON.parse(init.body) : undefined);

function openLink(token: string | undefined = "first", clientId?: string) {
  const messages: LinkMessage[] = [];
  const ends: LinkEnd[] = [];
  const events = { onMessage: (message: LinkMessage) => messages.push(message), onClose: (end: LinkEnd) => ends.push(end) };
  const link = openStreamLink({ url: "https://tape.example", token, clientId, freshToken: undefined, workerUrl: undefined, events });
  return { link, messages, ends };
}

async function connected() {
  const { link, messages, ends } = openLink();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  asked[0]?.answer(new Response(readable, { headers: { "Content-Type": "text/event-stream; charset=utf-8" } }));
  const say = async (bytes: Uint8Array | string) => {
    await writer.write(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
    await settled();
  };
  await say(`event: welcome\ndata: ${JSON.stringify(WELCOME)}\n\n`);
  return { link, messages, ends, say, writer };
}

describe("an event-stream link", () => {
  it("brings its token in a header, and the browser's cookie", () => {
    openLink("secret", "tab 1");
    expect(asked[0]?.url).toBe("https://tape.example/api/v1/stream?clientId=tab%201");
    expect(asked[0]?.init).toMatchObject({ credentials: "include", cache: "no-store", headers: { Authorization: "Bearer secret" } });
  });

  it("brings messages however the bytes are cut", async () => {
    const { messages, say } = await connected();
    const bytes = new TextEncoder().encode(
      'event: ping\r\ndata: {"type":"ping","lastEventId":"€"}\r\n\r\n: keepalive\n\ndata: nonsense\n\n',
    );
    for (const byte of bytes) await say(Uint8Array.of(byte));
    expect(messages).toEqual([WELCOME, { type: "ping", lastEventId: "€" }]);
  });

  it("tells of its end once: when the stream ends, and when it breaks", async () => {
    const ended = await connected();
    await ended.writer.close();
    await settled();
    expect(ended.ends).toEqual([{ opened: true }]);
    asked = [];
    const broken = await connected();
    await broken.writer.abort(new Error("reset"));
    await settled();
    expect(broken.ends).toEqual([{ opened: true }]);
  });

  it.each([
    ["a refused token", new Response(null, { status: 401 }), { opened: false, code: "AUTH_FAILED" }],
    ["too many attempts", new Response(null, { status: 429, headers: { "Retry-After": "7" } }), { opened: false, retryAfterMs: 7000 }],
    ["a date in Retry-After", new Response(null, { status: 503, headers: { "Retry-After": "Sat, 21 Nov 2026" } }), { opened: false }],
    ["a proxy's own page", new Response("<html>", { headers: { "Content-Type": "text/html" } }), { opened: false }],
  ])("says why it could not be opened: %s", async (_case, response, end) => {
    const { ends } = openLink();
    asked[0]?.answer(response);
    await settled();
    expect(ends).toEqual([end]);
  });

  it("that cannot reach anybody was not opened", async () => {
    const { ends } = openLink();
    asked[0]?.fail();
    await settled();
    expect(ends).toEqual([{ opened: false }]);
  });
});

describe("commands beside a stream", () => {
  const unsubscribe = (topic: string) => ({ type: "unsubscribe" as const, topics: [topic] });

  it("are posted in order, those that come meanwhile together, and pongs not at all", async () => {
    const { link } = await connected();
    for (const topic of ["a", "b", "c"]) link.send(unsubscribe(topic));
    link.send({ type: "pong" });
    expect(posts().map(({ url }) => url)).toEqual(["https://tape.example/api/v1/stream/c1/commands"]);
    posts()[0]?.answer(new Response(null, { status: 202 }));
    await settled();
    expect(posts().map(commandsOf)).toEqual([[unsubscribe("a")], [unsubscribe("b"), unsubscribe("c")]]);
  });

  it("are cut into posts that the server takes", async () => {
    const { link } = await connected();
    const long = (letter: string) => unsubscribe(letter.repeat(9000));
    for (const letter of ["a", "b", "c", "d"]) link.send(long(letter));
    for (let post = 0; post < 3; post++) {
      posts()[post]?.answer(new Response(null, { status: 202 }));
      await settled();
    }
    expect(posts().map(commandsOf)).toEqual([[long("a")], [long("b"), long("c")], [long("d")]]);
  });

  it("bring the fresh token from the one on that tells of it", async () => {
    const { link } = await connected();
    link.send({ type: "reauthenticate", token: "second" });
    expect(posts()[0]?.init.headers).toMatchObject({ Authorization: "Bearer second" });
  });

  it.each([
    ["refused", (post: Asked) => post.answer(new Response(null, { status: 401 })), { opened: true, code: "AUTH_FAILED" }],
    ["lost", (post: Asked) => post.fail(), { opened: true }],
  ] as const)("that are %s end the link, once: all is asked for again on the next", async (_case, happen, end) => {
    const { link, ends, messages, say } = await connected();
    for (const topic of ["a", "b"]) link.send(unsubscribe(topic));
    const [post] = posts();
    if (post !== undefined) happen(post);
    await settled();
    link.send(unsubscribe("c"));
    expect([ends, posts().length]).toEqual([[end], 1]);
    await say("data: {}\n\n").catch(() => undefined);
    expect(messages).toEqual([WELCOME]);
  });

  it("end with the link when one closes it, and nothing more is said", async () => {
    const { link, ends } = await connected();
    link.send(unsubscribe("a"));
    link.close();
    await settled();
    link.send(unsubscribe("b"));
    expect([ends, posts().length]).toEqual([[], 1]);
    expect(asked.map(({ init }) => init.signal?.aborted)).toEqual([true, true]);
  });
});
