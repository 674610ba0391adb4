/** The stock `ws` client as the tests of the native protocol use it. */
import WebSocket from "ws";
import { type TestServer, token, until } from "./server.ts";

export type Told = Record<string, unknown> & { type: string };

export interface Client {
  readonly socket: WebSocket;
  readonly told: Told[];
  readonly closed: Promise<number>;
  say(message: unknown): void;
  first(type: string, skip?: number): Promise<Told>;
}

export interface OpenOptions {
  readonly bearer?: string | undefined;
  readonly query?: string;
  readonly protocols?: string[];
  readonly headers?: Readonly<Record<string, string>>;
}

export interface NativeClients {
  open(options?: OpenOptions): Client;
  /** Resolves once it is welcomed. */
  welcomed(claims?: Parameters<typeof token>[0], query?: string): Promise<Client>;
  /** Ends all that were opened. */
  end(): void;
}

export function nativeClients(server: () => Pick<TestServer, "url">): NativeClients {
  const sockets: WebSocket[] = [];
  function open({ bearer, query = "", protocols = ["broadtape.v1"], headers = {} }: OpenOptions = {}): Client {
    const socket = new WebSocket(`${server().url.replace("http", "ws")}/api/v1/ws${query}`, protocols, {
      headers: { ...headers, ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }) },
    });
    sockets.push(socket);
    const told: Told[] = [];
    socket.on("message", (data: Buffer) => told.push(JSON.parse(data.toString()) as Told));
    socket.on("error", () => undefined);
    return {
      socket,
      told,
      closed: new Promise((resolve) => socket.on("close", resolve)),
      say: (message) => socket.send(typeof message === "string" || message instanceof Uint8Array ? message : JSON.stringify(message)),
      first: (type, skip = 0) =>
        until(
          () => told.filter((each) => each.type === type)[skip],
          () => told,
        ),
    };
  }

  async function welcomed(claims: Parameters<typeof token>[0] = {}, query = ""): Promise<Client> {
    const client = open({ bearer: await token(claims), query });
    await client.first("welcome");
    return client;
  }
  const end = () => {
    for (const socket of sockets.splice(0)) socket.terminate();
  };
  return { open, welcomed, end };
}

/** How a cursor is spelled. */
export const CURSOR = /^\d+-[0-9a-z]{9,}$/;
