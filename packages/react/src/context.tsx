/** One connection for a tree of components. */
import { type ReactElement, type ReactNode, createContext, useContext, useSyncExternalStore } from "react";
import type { Broadtape, ConnectionStatus } from "@broadtape/client";

const TapeContext = createContext<Broadtape | undefined>(undefined);

export function BroadtapeProvider({ tape, children }: { readonly tape: Broadtape; readonly children: ReactNode }): ReactElement {
  return <TapeContext.Provider value={tape}>{children}</TapeContext.Provider>;
}

/** The connection of the nearest {@link BroadtapeProvider}; throws where there is none. */
export function useTape(): Broadtape {
  const tape = useContext(TapeContext);
  if (tape === undefined) throw new Error("useTape needs a BroadtapeProvider above it");
  return tape;
}

const ON_SERVER: ConnectionStatus = { state: "connecting", staleSince: undefined, behindMs: 0, reason: undefined };

/** How the connection is: `live`, `resuming`, `stale` since when, ... */
export function useConnection(tape: Broadtape = useTape()): ConnectionStatus {
  return useSyncExternalStore(tape.status.subscribe, tape.status.get, () => ON_SERVER);
}
