/** Socket.IO's decoder, but a packet that is none becomes a command that is none: the client is told, the connection lives (contract 00-common "Errors on sockets"). */
import { Decoder, PacketType } from "socket.io-parser";

/** Event name under which a malformed packet reaches its namespace. No client can send it: it is not valid in a packet. */
export const MALFORMED = "\u0000malformed";

export class TolerantDecoder extends Decoder {
  override add(packet: unknown): void {
    if (typeof packet === "string" && this.#awaitsAttachments) {
      // What they were of is given up, and this packet is none of it.
      this.destroy();
      if (!isJoining(packet)) this.#emitMalformed(packet);
    }
    try {
      super.add(packet);
    } catch {
      this.destroy();
      // Who asks to join and cannot say who it is, is told so like everybody without a token.
      if (isJoining(packet)) this.emitReserved("decoded", { type: PacketType.CONNECT, nsp: namespaceOf(packet), data: {} });
      else this.#emitMalformed(packet);
    }
  }

  /** The library keeps it to itself. */
  get #awaitsAttachments(): boolean {
    const reconstructor: unknown = Reflect.get(this, "reconstructor");
    return reconstructor != null;
  }

  #emitMalformed(packet: unknown): void {
    this.emitReserved("decoded", { type: PacketType.EVENT, nsp: namespaceOf(packet), data: [MALFORMED] });
  }
}

function isJoining(packet: unknown): boolean {
  return typeof packet === "string" && packet.startsWith(String(PacketType.CONNECT));
}

/** As far as it can be read; Socket.IO closes a client that never joined it. */
function namespaceOf(packet: unknown): string {
  return typeof packet === "string" ? (/^\d*(?:-)?(\/[^,]{0,256}),/.exec(packet)?.[1] ?? "/") : "/";
}
