/**
 * `@broadtape/client/shared-worker`: the script of a SharedWorker that holds one connection for all tabs. Serve it from the
 * page's origin and name it in `new Broadtape({ shared: true, workerUrl })`.
 */
import { SharedHub } from "./shared-hub.ts";

const hub = new SharedHub();

/** What a worker's global scope has, of which only this is used here. */
const scope = globalThis as unknown as { onconnect: (event: MessageEvent) => void };

scope.onconnect = ({ ports }) => {
  for (const port of ports) hub.connect(port);
};
