/** The desk's feeds, for its panels. */
import { createContext, useContext } from "react";
import type { DeskFeeds } from "./desk-feeds.ts";

export const DeskContext = createContext<DeskFeeds | undefined>(undefined);

/** Throws outside of the desk. */
export function useDesk(): DeskFeeds {
  const feeds = useContext(DeskContext);
  if (feeds === undefined) throw new Error("useDesk needs the desk above it");
  return feeds;
}
