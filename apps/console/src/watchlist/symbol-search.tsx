/** Looks for a symbol: one that is on the list is looked at, another one is added to it. */
import { type ReactElement, type SyntheticEvent, useState, useSyncExternalStore } from "react";
import { SHORTCUTS } from "../desk/shortcuts.ts";
import type { SymbolList } from "./symbol-list.ts";
import styles from "./watchlist.module.css";

export function SymbolSearch({ list }: { readonly list: SymbolList }): ReactElement {
  const [text, setText] = useState("");
  const [isRefused, setRefused] = useState(false);
  const symbols = useSyncExternalStore(list.symbols.subscribe, list.symbols.get);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (text.trim() === "") return;
    const isTaken = list.select(text);
    setRefused(!isTaken);
    if (isTaken) setText("");
  };
  return (
    <form role="search" className={styles.search} onSubmit={submit}>
      <input
        list="symbols"
        aria-label="Search symbol"
        aria-keyshortcuts={SHORTCUTS.searchSymbol.aria}
        aria-invalid={isRefused}
        data-shortcut="searchSymbol"
        placeholder={`Symbol (${SHORTCUTS.searchSymbol.keys})`}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={({ target }) => {
          setRefused(false);
          setText(target.value);
        }}
      />
      <datalist id="symbols">
        {symbols.map((symbol) => (
          <option key={symbol} value={symbol} />
        ))}
      </datalist>
    </form>
  );
}
