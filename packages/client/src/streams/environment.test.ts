import { afterEach, expect, it, vi } from "vitest";
import { streamEnvironment } from "./environment.ts";

/** Node.js has channels and locks as browsers have them; a page is all that is missing. */
function tabs() {
  vi.stubGlobal("document", {});
  const own = streamEnvironment().tabs;
  if (own === undefined) throw new Error("there are no tabs");
  return own;
}
afterEach(() => {
  vi.unstubAllGlobals();
});

const until = (condition: () => boolean) => vi.waitFor(() => expect(condition()).toBe(true), { timeout: 90_000 });

it("has no tabs outside a page", () => {
  expect(streamEnvironment().tabs).toBeUndefined();
});

it("brings messages to the other tabs, in order, and none after they have left", async () => {
  const { join } = tabs();
  const heard: unknown[] = [];
  const one = join("channel", (message) => heard.push(["one", message]));
  const other = join("channel", (message) => heard.push(["other", message]));
  for (const number of [1, 2]) one.post({ number });
  await until(() => heard.length === 2);
  other.close();
  one.post({ number: 3 });
  one.close();
  expect(heard).toEqual([
    ["other", { number: 1 }],
    ["other", { number: 2 }],
  ]);
});

it("lets one tab lead, then the next; who steals the lead has it, and who had it is told", async () => {
  const { lead } = tabs();
  const told: string[] = [];
  const claim = (name: string) => ({ onLead: () => told.push(`${name} leads`), onLost: () => told.push(`${name} lost`) });
  const giveUpA = lead("lead", claim("a"), false);
  await until(() => told.length === 1);
  const giveUpB = lead("lead", claim("b"), false);
  const giveUpC = lead("lead", claim("c"), false);
  giveUpB();
  giveUpA();
  await until(() => told.length === 2);
  const giveUpD = lead("lead", claim("d"), true);
  await until(() => told.length === 4);
  giveUpC();
  giveUpD();
  lead("lead", claim("e"), false)();
  expect([told[0], told[1], new Set(told.slice(2))]).toEqual(["a leads", "c leads", new Set(["d leads", "c lost"])]);
});
