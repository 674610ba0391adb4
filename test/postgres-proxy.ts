/** Stands between a client and PostgreSQL, and cuts the line where the test wants it cut. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** `before`: COMMIT never arrives. `after`: it is done, and the answer is lost. */
export type Cut = "before" | "after";

export interface Proxy {
  readonly port: number;
  /** At the next COMMIT of any connection, this one and every other connection breaks. */
  cutAtCommit(cut: Cut): void;
  /** How many COMMITs were cut. */
  readonly cuts: () => number;
  /** Where new connections go. */
  setTarget(port: number): void;
  /** While false, nobody gets through, and whoever had is cut off. */
  setOpen(isOpen: boolean): void;
  close(): Promise<void>;
}

/** A simple query of the protocol: its kind, its length, its text with a zero at the end. */
const COMMIT = Buffer.from("Q\0\0\0\x0bcommit\0", "latin1");

export async function startProxy(firstTarget: number): Promise<Proxy> {
  let target = firstTarget;
  const sockets = new Set<Socket>();
  let cut: Cut | undefined;
  let cuts = 0;
  let isOpen = true;
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    if (!isOpen) {
      client.destroy();
      return;
    }
    const database = connect(target, "127.0.0.1");
    let isCommitting = false;
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => sockets.delete(socket));
    }
    client.on("data", (bytes) => {
      if (cut !== undefined && bytes.includes(COMMIT)) {
        cuts += 1;
        if (cut === "before") {
          cut = undefined;
          cutAll();
          return;
        }
        cut = undefined;
        isCommitting = true;
      }
      database.write(bytes);
    });
    database.on("data", (bytes) => {
      if (isCommitting) cutAll();
      else client.write(bytes);
    });
    client.once("close", () => database.end());
    database.once("close", () => client.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    cutAtCommit: (next) => (cut = next),
    cuts: () => cuts,
    setTarget: (port) => (target = port),
    setOpen(next) {
      isOpen = next;
      if (!isOpen) cutAll();
    },
    async close() {
      cutAll();
      server.close();
      await once(server, "close");
    },
  };
}
