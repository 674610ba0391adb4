/** Does what the desk's keys say, wherever the focus is. */
import { useEffect } from "react";
import type { PanelId } from "./desk-feeds.ts";
import { type Shortcut, shortcutOf } from "./shortcuts.ts";

/** @param showPanel brings a panel to the front where it lies behind another one */
export function useShortcuts(showPanel: (panel: PanelId) => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const shortcut = shortcutOf(event);
      if (shortcut === undefined) return;
      event.preventDefault();
      if (!event.repeat) run(shortcut, showPanel);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [showPanel]);
}

const PANEL_OF: Readonly<Partial<Record<Shortcut, PanelId>>> = {
  newRfq: "rfq",
  acceptBest: "rfq",
  cancelRfq: "rfq",
  acknowledge: "alerts",
};

function run(shortcut: Shortcut, showPanel: (panel: PanelId) => void): void {
  if (shortcut === "nextPanel" || shortcut === "previousPanel") {
    step(shortcut === "nextPanel" ? 1 : -1);
    return;
  }
  const panel = PANEL_OF[shortcut];
  if (panel !== undefined) showPanel(panel);
  // At once, so that what is typed next is not lost; a panel that was behind another one is there from the next frame on.
  if (!use(shortcut)) requestAnimationFrame(() => use(shortcut));
}

/** Presses the button, or goes to the field, that the shortcut is for; false where it is not on the page. */
function use(shortcut: Shortcut): boolean {
  const target = document.querySelector<HTMLElement>(`[data-shortcut="${shortcut}"]`);
  if (target instanceof HTMLButtonElement) target.click();
  else if (target instanceof HTMLInputElement) {
    target.focus();
    target.select();
  }
  return target !== null;
}

/** Left to right, then top to bottom, as they lie on the screen now. */
function step(by: 1 | -1): void {
  const panels = [...document.querySelectorAll<HTMLElement>("section[data-panel]")]
    .filter((panel) => panel.offsetParent !== null)
    .map((panel) => ({ panel, box: panel.getBoundingClientRect() }))
    .sort((a, b) => a.box.left - b.box.left || a.box.top - b.box.top)
    .map(({ panel }) => panel);
  const now = panels.findIndex((panel) => panel.contains(document.activeElement));
  const next = now < 0 ? (by > 0 ? 0 : panels.length - 1) : (now + by + panels.length) % panels.length;
  panels[next]?.focus();
}
