/** The desk's panels, to be moved, resized and put behind each other; they lie where they were left. */
import { type ReactElement, memo, useCallback, useEffect, useRef } from "react";
import {
  type DockviewApi,
  DockviewReact,
  type DockviewReadyEvent,
  type DockviewTheme,
  type IDockviewPanelHeaderProps,
} from "dockview-react";
import "dockview-react/dist/styles/dockview.css";
import { AlertsPanel } from "../alerts/alerts-panel.tsx";
import { ChartPanel } from "../chart/chart-panel.tsx";
import { useDesk } from "../desk/desk-context.ts";
import { QuotesPanel } from "../rfq/quotes-panel.tsx";
import { RfqPanel } from "../rfq/rfq-panel.tsx";
import { OrdersPanel } from "../trading/orders-panel.tsx";
import { PositionsPanel } from "../trading/positions-panel.tsx";
import { TradesPanel } from "../trading/trades-panel.tsx";
import { WalletPanel } from "../wallet/wallet-panel.tsx";
import { WatchlistPanel } from "../watchlist/watchlist-panel.tsx";
import { keepLayout, layOut, restoreLayout } from "./layout.ts";
import styles from "./workspace.module.css";

const COMPONENTS = {
  watchlist: WatchlistPanel,
  chart: ChartPanel,
  rfq: RfqPanel,
  quotes: QuotesPanel,
  orders: OrdersPanel,
  positions: PositionsPanel,
  trades: TradesPanel,
  wallet: WalletPanel,
  alerts: AlertsPanel,
};

/** The page's own colours, which follow its theme. */
const THEME: DockviewTheme = { name: "broadtape", className: styles.theme ?? "", gap: 0, tabGroupIndicator: "none" };

/** What the desk's keys and buttons do with the panels. */
export interface Workspace {
  /** Brings a panel to the front where it lies behind another one. */
  readonly show: (id: keyof typeof COMPONENTS) => void;
  readonly reset: () => void;
}

interface Properties {
  readonly onReady: (workspace: Workspace) => void;
}

export const DeskWorkspace = memo(function DeskWorkspace({ onReady }: Properties): ReactElement {
  const { account } = useDesk();
  const key = `broadtape.layout.${account.tenantId}.${account.userId}`;
  const off = useRef<() => void>(undefined);
  useEffect(() => () => off.current?.(), []);
  const ready = useCallback(
    ({ api }: DockviewReadyEvent) => {
      // Named regions are the panels inside; a second one of the same name around each says nothing.
      api.onDidAddGroup((group) => group.element.setAttribute("role", "group"));
      restoreLayout(api, localStorage, key);
      off.current = keepChanges(api, key);
      onReady({ show: (id) => api.getPanel(id)?.api.setActive(), reset: () => layOut(api) });
    },
    [key, onReady],
  );
  return (
    <div className={styles.workspace}>
      <DockviewReact components={COMPONENTS} defaultTabComponent={Tab} theme={THEME} disableFloatingGroups onReady={ready} />
    </div>
  );
});

/** Moved and resized, never closed: what is not needed lies behind another panel. */
function Tab({ api }: IDockviewPanelHeaderProps): ReactElement {
  return <span className={styles.tab}>{api.title}</span>;
}

/** Once for what changes together. */
function keepChanges(api: DockviewApi, key: string): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const keep = () => {
    timer = undefined;
    keepLayout(api, localStorage, key);
  };
  const change = api.onDidLayoutChange(() => (timer ??= setTimeout(keep, 200)));
  // What was changed last is kept when the page is left.
  const leave = () => {
    if (timer !== undefined) keep();
  };
  addEventListener("pagehide", leave);
  return () => {
    removeEventListener("pagehide", leave);
    clearTimeout(timer);
    change.dispose();
  };
}
