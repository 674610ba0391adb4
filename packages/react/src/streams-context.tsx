/** Event streams for a tree of components. */
import { type ReactElement, type ReactNode, createContext, useContext } from "react";
import type { Streams } from "@broadtape/client/streams";

const StreamsContext = createContext<Streams | undefined>(undefined);

export function StreamsProvider({ streams, children }: { readonly streams: Streams; readonly children: ReactNode }): ReactElement {
  return <StreamsContext.Provider value={streams}>{children}</StreamsContext.Provider>;
}

/** The streams of the nearest {@link StreamsProvider}; throws where there is none. */
export function useStreams(): Streams {
  const streams = useContext(StreamsContext);
  if (streams === undefined) throw new Error("useStreams needs a StreamsProvider above it");
  return streams;
}
