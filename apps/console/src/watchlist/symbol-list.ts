/** The symbols of the desk and the one that is looked at; kept in this browser for each user. */
import { Value } from "../wallet/value.ts";
import { MAX_SYMBOLS } from "./symbols.ts";

/** Where it is kept; a page that may not use its storage goes without. */
export type Shelf = Pick<Storage, "getItem" | "setItem">;

export class SymbolList {
  readonly symbols: Value<readonly string[]>;
  readonly selected: Value<string>;
  readonly #shelf: Shelf;
  readonly #key: string;

  /** @param first those that are always there, before the ones that were added here */
  constructor(first: readonly string[], shelf: Shelf, key: string) {
    this.#shelf = shelf;
    this.#key = key;
    const symbols = [...new Set([...first, ...this.#kept()])].slice(0, MAX_SYMBOLS);
    this.symbols = new Value<readonly string[]>(symbols);
    this.selected = new Value(symbols[0] ?? "");
  }

  /** Looks at a symbol; one that is not in the list is added to it. False where the list is full or the text is no symbol. */
  select(text: string): boolean {
    const symbol = text.trim();
    const known = this.symbols.get();
    const found = known.find((each) => each === symbol) ?? known.find((each) => each.toLowerCase() === symbol.toLowerCase());
    if (found === undefined) {
      if (!isSymbol(symbol) || known.length >= MAX_SYMBOLS) return false;
      this.symbols.set([...known, symbol]);
      this.#keep();
    }
    this.selected.set(found ?? symbol);
    return true;
  }

  remove(symbol: string): void {
    const left = this.symbols.get().filter((each) => each !== symbol);
    const [first] = left;
    if (first === undefined) return;
    this.symbols.set(left);
    if (this.selected.get() === symbol) this.selected.set(first);
    this.#keep();
  }

  #kept(): readonly string[] {
    try {
      const kept: unknown = JSON.parse(this.#shelf.getItem(this.#key) ?? "[]");
      return Array.isArray(kept) ? kept.filter((each): each is string => typeof each === "string" && isSymbol(each)) : [];
    } catch {
      return [];
    }
  }

  #keep(): void {
    try {
      this.#shelf.setItem(this.#key, JSON.stringify(this.symbols.get()));
    } catch {
      // Forgotten when the page is left.
    }
  }
}

/** What the server takes for one (contract 10-market-data). */
function isSymbol(text: string): boolean {
  return /^[A-Za-z0-9/._:#@=-]{1,64}$/.test(text);
}
