/** Node's own EventSource (undici's parser), which needs a flag of the process: reads the streams that it is asked to. */
import { type Source, readEvents } from "./read-events.ts";

const { EventSource: Own } = globalThis as unknown as { readonly EventSource: new (url: string) => Source };

process.on("message", (url: string) => {
  void readEvents(new Own(url)).then((events) => process.send?.({ url, events }));
});
