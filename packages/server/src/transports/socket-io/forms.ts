/** A surface's words as Socket.IO's event packets, framed for each of Engine.IO's transports. */
import type { Form, Words } from "../../engine/message.ts";
import type { SocketSurface } from "../../engine/surface.ts";
import { joinFrames, textFrame } from "../websocket/frames.ts";
import { spellStanding } from "./recovery.ts";

export interface SocketIoForms {
  readonly webSocket: Form;
  readonly polling: Form;
}

/** By what a connection is marked with; empty for those that are not. */
export type FormsOf = (mark: string) => SocketIoForms;

export function formsOf(surface: SocketSurface): FormsOf {
  /** Few: a surface has a handful of marks. */
  const byMark = new Map<string, SocketIoForms>();
  return (mark) => {
    let forms = byMark.get(mark);
    if (forms === undefined) byMark.set(mark, (forms = newForms(surface, mark)));
    return forms;
  };
}

function newForms(surface: SocketSurface, mark: string): SocketIoForms {
  const { path } = surface;
  return {
    // Engine.IO's type "message" is 4; polling adds it itself.
    webSocket: { surface, frame: (words) => textFrame(`4${packet(path, words, mark)}`), join: joinFrames },
    polling: { surface, frame: (words) => Buffer.from(packet(path, words, mark)), join: joinFrames },
  };
}

/** Socket.IO event packets of a namespace, as text; with where the client stands, where it is to bring that back. */
function packet(path: string, { name, body, id }: Words, mark: string): string {
  const args = mark === "" || id === undefined ? body : `${body},${JSON.stringify(spellStanding(id, mark))}`;
  return path === "/" ? `2[${JSON.stringify(name)},${args}]` : `2${path},[${JSON.stringify(name)},${args}]`;
}
