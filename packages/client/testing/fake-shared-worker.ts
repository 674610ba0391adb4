/** A SharedWorker without a thread: its ports deliver in order, a microtask later, copies as a real one would. */
import type { TabMessage, WorkerMessage } from "../src/shared-link.ts";
import type { SharedHub } from "../src/shared-hub.ts";

/** One end of a channel. */
class FakePort<In, Out> {
  onmessage: ((event: { data: In }) => void) | null = null;
  isClosed = false;
  other: FakePort<Out, In> | undefined;

  postMessage(message: Out): void {
    const copy = structuredClone(message);
    const { other } = this;
    if (this.isClosed || other === undefined) return;
    queueMicrotask(() => {
      if (!other.isClosed) other.onmessage?.({ data: copy });
    });
  }

  close(): void {
    this.isClosed = true;
  }
}

/** The class to put in `SharedWorker`'s place. */
export function fakeSharedWorker(hub: SharedHub) {
  return class FakeSharedWorker {
    readonly port = new FakePort<WorkerMessage, TabMessage>();
    onerror: (() => void) | null = null;

    constructor() {
      const inside = new FakePort<TabMessage, WorkerMessage>();
      this.port.other = inside;
      inside.other = this.port;
      hub.connect(inside);
    }
  };
}
