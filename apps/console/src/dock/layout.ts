/** Where the panels lie: as the user left them, or as they come. Kept in this browser for each user. */
import type { DockviewApi, SerializedDockview } from "dockview-react";

export const PANELS = [
  ["watchlist", "Watchlist"],
  ["chart", "Chart"],
  ["rfq", "RFQ"],
  ["quotes", "Quotes"],
  ["orders", "Orders"],
  ["positions", "Positions"],
  ["trades", "Trades"],
  ["wallet", "Wallet"],
  ["alerts", "Alerts"],
] as const;

/** Kept layouts of another set of panels are of no use. */
const VERSION = 1;

interface Kept {
  readonly version: number;
  readonly layout: SerializedDockview;
}

type Shelf = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** Lays the panels out; returns false where nothing usable was kept, and they lie as they come. */
export function restoreLayout(api: DockviewApi, shelf: Shelf, key: string): boolean {
  const kept = read(shelf, key);
  if (kept !== undefined) {
    try {
      api.fromJSON(kept);
      if (PANELS.every(([id]) => api.getPanel(id) !== undefined)) return true;
    } catch {
      // Written by something else: it is laid out anew.
    }
  }
  layOut(api);
  return false;
}

export function keepLayout(api: DockviewApi, shelf: Shelf, key: string): void {
  const kept: Kept = { version: VERSION, layout: api.toJSON() };
  try {
    shelf.setItem(key, JSON.stringify(kept));
  } catch {
    // Forgotten when the page is left.
  }
}

function read(shelf: Shelf, key: string): SerializedDockview | undefined {
  try {
    const kept = JSON.parse(shelf.getItem(key) ?? "null") as Kept | null;
    return kept?.version === VERSION ? kept.layout : undefined;
  } catch {
    return undefined;
  }
}

type Id = (typeof PANELS)[number][0];
const titleOf = (id: Id) => PANELS.find(([each]) => each === id)?.[1] ?? id;

/** Three columns: the market and what one has; the chart and the money; dealing. */
export function layOut(api: DockviewApi): void {
  api.clear();
  const add = (id: Id, position?: { readonly referencePanel: Id; readonly direction: "right" | "below" }) =>
    api.addPanel({ id, component: id, title: titleOf(id), ...(position && { position }) });
  add("watchlist");
  add("chart", { referencePanel: "watchlist", direction: "right" });
  add("rfq", { referencePanel: "chart", direction: "right" });
  add("positions", { referencePanel: "watchlist", direction: "below" });
  add("orders", { referencePanel: "positions", direction: "below" });
  add("trades", { referencePanel: "orders", direction: "below" });
  add("wallet", { referencePanel: "chart", direction: "below" });
  add("quotes", { referencePanel: "rfq", direction: "below" });
  add("alerts", { referencePanel: "quotes", direction: "below" });
  const { width, height } = api;
  const size = (id: Id, part: { readonly width?: number; readonly height?: number }) =>
    api.getPanel(id)?.group.api.setSize({
      ...(part.width !== undefined && { width: width * part.width }),
      ...(part.height !== undefined && { height: height * part.height }),
    });
  size("watchlist", { width: 0.425 });
  size("rfq", { width: 0.27 });
  size("watchlist", { height: 0.25 });
  size("positions", { height: 0.2 });
  size("orders", { height: 0.3 });
  size("chart", { height: 0.46 });
  size("rfq", { height: 0.36 });
  size("quotes", { height: 0.4 });
}
