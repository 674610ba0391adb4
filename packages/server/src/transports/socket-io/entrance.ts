/** Who comes into a namespace: authenticated and given a seat before the socket is connected, or told why not. */
import type { Namespace, Socket } from "socket.io";
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import type { Engine } from "../../engine/engine.ts";
import type { Seat } from "../../engine/sessions.ts";
import type { Peer } from "../../engine/session.ts";
import { type SocketSurface, errorBody } from "../../engine/surface.ts";
import type { ConnectionLog, Gate } from "../gate.ts";
import { type AddressOf, claimOf, peerOf, queryOf } from "../peer.ts";

export interface EntranceHost {
  readonly engine: Engine;
  readonly gate: Gate;
  readonly addressOf: AddressOf;
  readonly log: ConnectionLog;
}

/** Somebody who may come in. */
export interface Admission {
  readonly identity: Identity;
  readonly peer: Peer;
  readonly parameters: URLSearchParams;
  readonly seat: Seat;
}

/** What authentication found, until the socket is connected. */
const verdicts = new WeakMap<Socket, Admission | Refusal>();

/** Looks at everybody who comes, before they are connected; {@link admissionOf} tells what was found. */
export function authenticateAll(host: EntranceHost, namespace: Namespace, surface: SocketSurface): void {
  namespace.use((socket, next) => {
    admit(host, surface, socket).then(
      (result) => {
        verdicts.set(socket, result);
        next();
        // Whoever went meanwhile, or is refused, needs none; by then the library has called back for all others.
        if ("seat" in result) setImmediate(() => result.seat.leave());
      },
      (error: unknown) => {
        host.log.error({ err: error }, "authentication failed");
        next(new Error("internal error"));
      },
    );
  });
}

/** Of a socket that is connected; throws the refusal of one that may not come in. */
export function admissionOf(socket: Socket): Admission {
  const verdict = verdicts.get(socket);
  if (verdict === undefined) throw new Refusal("UNAUTHORIZED", "No token provided");
  if (verdict instanceof Refusal) throw verdict;
  return verdict;
}

/** Tells why, then closes the connection (contract 70-details "refusal at connect"). */
export function refuse(socket: Socket, refusal: Refusal): void {
  socket.emit("error", JSON.parse(errorBody(refusal)));
  const { conn } = socket;
  // After a goodbye of the namespace a stock client stays away; this one is to come back.
  if (refusal.code === "SHUTTING_DOWN") {
    conn.close();
    return;
  }
  socket.disconnect();
  setTimeout(() => {
    if ((socket.client as unknown as { sockets: ReadonlyMap<string, unknown> }).sockets.size === 0) conn.close();
  }, 1000).unref();
}

async function admit({ gate, engine, addressOf }: EntranceHost, surface: SocketSurface, socket: Socket): Promise<Admission | Refusal> {
  const { auth, headers, query } = socket.handshake;
  try {
    const identity = await gate.authenticate({
      authToken: (auth as Record<string, unknown>)["token"],
      headers,
      queryToken: typeof query["token"] === "string" ? query["token"] : undefined,
    });
    const parameters = parametersOf(socket);
    const peer = peerOf(socket.request, addressOf, parameters);
    return { identity, peer, parameters, seat: await engine.enter(identity, socket.id, claimOf(surface, peer)) };
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** Of the query, and of `auth`, which goes before it. */
function parametersOf({ request, handshake }: Socket): URLSearchParams {
  const parameters = queryOf(request);
  for (const [name, value] of Object.entries(handshake.auth)) {
    if (typeof value === "string" || typeof value === "number") parameters.set(name, String(value));
  }
  return parameters;
}
