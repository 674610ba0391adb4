import { expect, it } from "vitest";
import { shortcutOf } from "./shortcuts.ts";

const pressed = (code: string, modifiers: Partial<Record<"altKey" | "ctrlKey" | "metaKey" | "shiftKey", boolean>> = {}) =>
  shortcutOf({ code, altKey: false, ctrlKey: false, metaKey: false, shiftKey: false, ...modifiers });

it("knows the desk's keys", () => {
  expect(["KeyS", "KeyN", "KeyA", "KeyC", "KeyK"].map((code) => pressed(code, { altKey: true }))).toEqual([
    "searchSymbol",
    "newRfq",
    "acceptBest",
    "cancelRfq",
    "acknowledge",
  ]);
  expect([pressed("F6"), pressed("F6", { shiftKey: true })]).toEqual(["nextPanel", "previousPanel"]);
});

it("does nothing by a letter alone, nor with another modifier", () => {
  expect([pressed("KeyA"), pressed("KeyA", { altKey: true, ctrlKey: true }), pressed("KeyA", { metaKey: true })]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(pressed("F6", { altKey: true })).toBeUndefined();
});
