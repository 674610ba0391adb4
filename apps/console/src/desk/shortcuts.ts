/**
 * The desk's keys. All but the function key have a modifier, so that no letter that is typed or spoken deals (WCAG 2.1.4);
 * letters are known by their place on the keyboard, as some systems type another character with Alt.
 */

export type Shortcut = "searchSymbol" | "newRfq" | "acceptBest" | "cancelRfq" | "acknowledge" | "nextPanel" | "previousPanel";

interface Keys {
  /** As shown to the user. */
  readonly keys: string;
  /** As `aria-keyshortcuts` has it. */
  readonly aria: string;
  readonly does: string;
  readonly code: string;
  readonly alt: boolean;
  readonly shift: boolean;
}

const letter = (key: string, does: string): Keys => ({
  keys: `Alt+${key}`,
  aria: `Alt+${key}`,
  does,
  code: `Key${key}`,
  alt: true,
  shift: false,
});

export const SHORTCUTS: Readonly<Record<Shortcut, Keys>> = {
  searchSymbol: letter("S", "Search a symbol"),
  newRfq: letter("N", "New RFQ"),
  acceptBest: letter("A", "Accept the best quote"),
  cancelRfq: letter("C", "Cancel the RFQ"),
  acknowledge: letter("K", "Acknowledge the next alert"),
  nextPanel: { keys: "F6", aria: "F6", does: "Next panel", code: "F6", alt: false, shift: false },
  previousPanel: { keys: "Shift+F6", aria: "Shift+F6", does: "Previous panel", code: "F6", alt: false, shift: true },
};

type Pressed = Pick<KeyboardEvent, "code" | "altKey" | "ctrlKey" | "metaKey" | "shiftKey">;

/** The shortcut that was pressed. */
export function shortcutOf({ code, altKey, ctrlKey, metaKey, shiftKey }: Pressed): Shortcut | undefined {
  if (ctrlKey || metaKey) return undefined;
  for (const [name, keys] of Object.entries(SHORTCUTS) as [Shortcut, Keys][])
    if (keys.code === code && keys.alt === altKey && keys.shift === shiftKey) return name;
  return undefined;
}
