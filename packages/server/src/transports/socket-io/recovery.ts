/**
 * Connection state recovery of stock `socket.io-client` (4.6 and newer), backed by the log: every packet's last argument is where
 * the client stands, and it brings the newest one back when it reconnects. So it recovers after a restart of the server too.
 */
import { randomUUID } from "node:crypto";
import { Adapter } from "socket.io-adapter";
import { parseEventId } from "@broadtape/protocol/event-id";

/** A cursor, and what the surface had marked the connection with. */
export interface Standing {
  readonly cursor: string;
  readonly mark: string;
}

const STANDING = /^(.{1,64})\.([a-z]{1,8})$/;

export function spellStanding(cursor: string, mark: string): string {
  return `${cursor}.${mark}`;
}

/** Undefined for what no server of ours ever said. */
export function parseStanding(offset: unknown): Standing | undefined {
  const [, cursor, mark] = typeof offset === "string" ? (STANDING.exec(offset) ?? []) : [];
  return cursor === undefined || mark === undefined || parseEventId(cursor) === undefined ? undefined : { cursor, mark };
}

/** @param isKept whether what came after a cursor can still be told */
export function recoveringAdapter(isKept: (namespace: string, standing: Standing) => boolean): typeof Adapter {
  return class extends Adapter {
    /** What was missed is no packet that waits anywhere: the surface tells it out of the log. */
    override restoreSession(pid: string, offset: string) {
      const standing = parseStanding(offset);
      const session = { sid: randomUUID(), pid, rooms: [], data: {}, missedPackets: [] };
      // The signature promises one always; Socket.IO takes none for "not recovered".
      const none = null as unknown as typeof session;
      return Promise.resolve(standing !== undefined && isKept(nameOf(this), standing) ? session : none);
    }
  };
}

/** The library declares its namespace as anything. */
function nameOf({ nsp }: Adapter): string {
  return (nsp as { readonly name: string }).name;
}
