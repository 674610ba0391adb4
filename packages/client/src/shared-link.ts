/** A link into the worker that holds the connection of all tabs: the native protocol over a MessagePort. */
import type { Link, LinkMessage, LinkRequest } from "./link.ts";
import type { ClientMessage } from "@broadtape/protocol/native";

/** What a tab says to the worker beside the native protocol. */
export type TabMessage =
  | ClientMessage
  | {
      readonly type: "open";
      readonly url: string;
      readonly token: string | undefined;
      /** The tab can be asked for a fresh token. */
      readonly isRenewable: boolean;
      readonly clientId: string | undefined;
    }
  /** Answer to `tokenWanted`; without `token` the tab has none. */
  | { readonly type: "token"; readonly id: number; readonly token?: string }
  | { readonly type: "bye" };

/** What the worker says to a tab beside the native protocol. */
export type WorkerMessage = LinkMessage | { readonly type: "tokenWanted"; readonly id: number };

export function openSharedLink({ url, token, freshToken, clientId, workerUrl, events }: LinkRequest): Link {
  if (workerUrl === undefined) throw new TypeError("a shared connection needs `workerUrl`");
  const worker = new SharedWorker(workerUrl, { type: "module", name: "broadtape" });
  const { port } = worker;
  let opened = false;
  let isOver = false;
  const say = (message: TabMessage) => {
    if (!isOver) port.postMessage(message);
  };
  const end = () => {
    say({ type: "bye" });
    isOver = true;
    port.close();
  };
  worker.onerror = () => {
    if (isOver) return;
    end();
    events.onClose({ opened });
  };
  port.onmessage = ({ data: message }: MessageEvent<WorkerMessage>) => {
    if (isOver) return;
    if (message.type !== "tokenWanted") {
      opened = true;
      events.onMessage(message);
      return;
    }
    const { id } = message;
    const answer = (fresh?: string) => {
      say({ type: "token", id, ...(fresh !== undefined && { token: fresh }) });
    };
    if (freshToken === undefined) answer();
    else freshToken().then(answer, () => answer());
  };
  say({ type: "open", url, token, isRenewable: freshToken !== undefined, clientId });
  return { send: say, close: end };
}
