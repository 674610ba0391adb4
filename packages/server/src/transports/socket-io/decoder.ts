/** Socket.IO's decoder, but a packet that is none becomes a command that is none: the client is told, the connection lives (contract 00-common "Errors on sockets"). */
import { Decoder, PacketType } from "socket.io-parser";

/** Event name under which a malformed packet reaches its namespace. No client can send it: it is not valid in a packet. */
export const MALFORMED = "\u0000malformed";

export class TolerantDecoder extends Decoder {
  override add(packet: unknown): void {
    try {
      super.add(packet);
    } catch {
      // A packet whose attachments did not come is given up; else nothing after it would be read.
      this.destroy();
      // Namespace as far as it can be read; Socket.IO closes a client that never joined it.
      const namespace = typeof packet === "string" ? (/^\d*(?:-)?(\/[^,]{0,256}),/.exec(packet)?.[1] ?? "/") : "/";
      // Who asks to join and cannot say who it is, is told so like everybody without a token.
      const isJoining = typeof packet === "string" && packet.startsWith(String(PacketType.CONNECT));
      if (isJoining) this.emitReserved("decoded", { type: PacketType.CONNECT, nsp: namespace, data: {} });
      else this.emitReserved("decoded", { type: PacketType.EVENT, nsp: namespace, data: [MALFORMED] });
    }
  }
}
