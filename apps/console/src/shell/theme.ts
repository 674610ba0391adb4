/** Dark or light: the system's choice until the user makes one; kept in this browser. */
import { Value } from "../wallet/value.ts";

export type Theme = "dark" | "light";

const KEY = "broadtape.theme";
const systemDark = () => matchMedia("(prefers-color-scheme: dark)");

const chosen = new Value<Theme | undefined>(readChoice());

/** Shows the theme that was chosen here before, from now on. */
export function applyTheme(): void {
  const { style } = document.documentElement;
  const theme = chosen.get();
  if (theme === undefined) style.removeProperty("color-scheme");
  else style.setProperty("color-scheme", theme);
}

export function chooseTheme(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // A page that may not use its storage forgets the choice when it is left.
  }
  chosen.set(theme);
  applyTheme();
}

/** What is shown now, as an external store. */
export const shownTheme = {
  get: (): Theme => chosen.get() ?? (systemDark().matches ? "dark" : "light"),
  subscribe: (listener: () => void): (() => void) => {
    const off = chosen.subscribe(listener);
    const system = systemDark();
    system.addEventListener("change", listener);
    return () => {
      off();
      system.removeEventListener("change", listener);
    };
  },
};

function readChoice(): Theme | undefined {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "dark" || kept === "light" ? kept : undefined;
  } catch {
    return undefined;
  }
}
