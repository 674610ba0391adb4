import { expect, it } from "vitest";
import { type Shelf, SymbolList } from "./symbol-list.ts";

function shelf(kept: Record<string, string> = {}): Shelf & { readonly kept: Record<string, string> } {
  return {
    kept,
    getItem: (key) => kept[key] ?? null,
    setItem: (key, value) => {
      kept[key] = value;
    },
  };
}

it("looks at a symbol however it is written, and adds one that is new for the next time", () => {
  const own = shelf();
  const list = new SymbolList(["EURUSD", "XAUUSD"], own, "ada");
  expect(list.select(" xauusd ")).toBe(true);
  expect(list.selected.get()).toBe("XAUUSD");
  expect(list.select("ACME")).toBe(true);
  expect([list.selected.get(), list.symbols.get()]).toEqual(["ACME", ["EURUSD", "XAUUSD", "ACME"]]);
  expect(new SymbolList(["EURUSD"], own, "ada").symbols.get()).toEqual(["EURUSD", "XAUUSD", "ACME"]);
  expect(new SymbolList(["EURUSD"], own, "ben").symbols.get()).toEqual(["EURUSD"]);
});

it("takes no symbol that the server would refuse, and no more than one client may follow", () => {
  const list = new SymbolList(
    Array.from({ length: 100 }, (_, index) => `S${index}`),
    shelf(),
    "ada",
  );
  expect(["", "a b", "ü", "ONE-MORE"].map((text) => list.select(text))).toEqual([false, false, false, false]);
  expect(list.selected.get()).toBe("S0");
});

it("looks at the first one when the one that was looked at is removed, and keeps at least one", () => {
  const list = new SymbolList(["EURUSD", "XAUUSD"], shelf(), "ada");
  list.select("XAUUSD");
  list.remove("XAUUSD");
  expect(list.selected.get()).toBe("EURUSD");
  list.remove("EURUSD");
  expect(list.symbols.get()).toEqual(["EURUSD"]);
});

it("begins anew where what was kept is not readable", () => {
  expect(new SymbolList(["EURUSD"], shelf({ ada: "{" }), "ada").symbols.get()).toEqual(["EURUSD"]);
  const forbidden: Shelf = {
    getItem: () => {
      throw new Error("denied");
    },
    setItem: () => {
      throw new Error("denied");
    },
  };
  const list = new SymbolList(["EURUSD"], forbidden, "ada");
  expect(list.select("ACME")).toBe(true);
});
