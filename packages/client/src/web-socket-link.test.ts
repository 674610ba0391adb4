import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LinkEnd, LinkMessage } from "./link.ts";
import { openWebSocketLink } from "./web-socket-link.ts";

class FakeWebSocket {
  static readonly OPEN = 1;
  static newest: FakeWebSocket;
  readyState = 0;
  readonly sent: unknown[] = [];
  isClosed = false;
  onopen: () => void = () => undefined;
  onmessage: (event: { data: unknown }) => void = () => undefined;
  onerror: () => void = () => undefined;
  onclose: () => void = () => undefined;
  readonly url: string;
  readonly protocol: string;

  constructor(url: string, protocol: string) {
    this.url = url;
    this.protocol = protocol;
    FakeWebSocket.newest = this;
  }

  open(): void {
    this.readyState = FakeWebSocket.OPEN;
    this.onopen();
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.isClosed = true;
  }
}

beforeEach(() => {
  vi.stubGlobal("WebSocket", FakeWebSocket);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function openLink({ url = "https://tape.example", token, clientId }: { url?: string; token?: string; clientId?: string } = {}) {
  const messages: LinkMessage[] = [];
  const ends: LinkEnd[] = [];
  const events = { onMessage: (message: LinkMessage) => messages.push(message), onClose: (end: LinkEnd) => ends.push(end) };
  const link = openWebSocketLink({ url, token, clientId, freshToken: undefined, workerUrl: undefined, events });
  return { link, socket: FakeWebSocket.newest, messages, ends };
}

describe("a WebSocket link", () => {
  it("is encrypted where the page is, names its protocol and client, and keeps the token out of the URL", () => {
    const { socket } = openLink({ token: "secret", clientId: "tab 1&2" });
    expect([socket.url, socket.protocol]).toEqual(["wss://tape.example/api/v1/ws?clientId=tab%201%262", "broadtape.v1"]);
    socket.open();
    expect(socket.sent).toEqual([{ type: "authenticate", token: "secret" }]);
    expect(openLink({ url: "http://tape.example" }).socket.url).toBe("ws://tape.example/api/v1/ws");
  });

  it("says nothing of a token where the browser's cookie counts, and nothing at all before it is open", () => {
    const { link, socket } = openLink();
    link.send({ type: "pong" });
    socket.open();
    expect(socket.sent).toEqual([]);
    link.send({ type: "pong" });
    expect(socket.sent).toEqual([{ type: "pong" }]);
  });

  it("brings messages, and passes over what is none", () => {
    const { socket, messages } = openLink();
    for (const data of ["no JSON", "7", "null", "[]", "{}", new Uint8Array(1)]) socket.onmessage({ data });
    socket.onmessage({ data: '{"type":"caughtUp"}' });
    expect(messages).toEqual([{ type: "caughtUp" }]);
  });

  it("tells of its end once, and whether it ever said anything", () => {
    const refused = openLink();
    refused.socket.onerror();
    refused.socket.onclose();
    refused.socket.onclose();
    expect(refused.ends).toEqual([{ opened: false }]);
    const lost = openLink();
    lost.socket.onmessage({ data: '{"type":"caughtUp"}' });
    lost.socket.onclose();
    lost.socket.onmessage({ data: '{"type":"caughtUp"}' });
    expect([lost.ends, lost.messages.length]).toEqual([[{ opened: true }], 1]);
  });

  it("that one closes oneself says nothing more", () => {
    const { link, socket, messages, ends } = openLink();
    link.close();
    socket.onmessage({ data: '{"type":"caughtUp"}' });
    socket.onclose();
    expect([socket.isClosed, messages, ends]).toEqual([true, [], []]);
  });
});
