import { describe, expect, it } from "vitest";
import { FakeClock } from "../desk/fake-clock.ts";
import { seeded } from "../desk/random.ts";
import type { BankEvent } from "./events.ts";
import { KeptBooks, nameOf } from "./kept-books.ts";
import { playBank } from "./play-bank.ts";
import { readRecords } from "./records.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const MINUTE_MS = 60_000;

type Line = BankEvent & {
  readonly id: string;
  readonly source: string;
  readonly subject: string;
  readonly tenantid: string;
  readonly time: string;
};

async function setUp(speed = 1) {
  const clock = new FakeClock();
  const books = new KeptBooks();
  const lines: Line[] = [];
  const faults: unknown[] = [];
  const server = { isAway: false, refusal: undefined as Error | undefined };
  let back: (() => void) | undefined;
  const publish = async (texts: readonly string[]) => {
    if (server.refusal !== undefined) throw server.refusal;
    if (server.isAway) await new Promise<void>((resolve) => (back = resolve));
    const batch = texts.map((text) => JSON.parse(text) as Line);
    books.take(batch.map(({ type, data }) => ({ type, data }) as BankEvent));
    lines.push(...batch);
  };
  const bank = await playBank({
    speed,
    clock,
    random: seeded(seed),
    publisher: { publish },
    wallets: [],
    onFault: (error) => faults.push(error),
  });
  return { clock, books, lines, faults, server, bank, comeBack: () => back?.() };
}
const begun = (lines: readonly Line[]) => lines.filter(({ type }) => type === "transaction.created").length;

describe("the bank's scene", () => {
  it("says one transaction every few seconds, as the demo's users' and with ids that never repeat", async () => {
    const { clock, lines, faults } = await setUp();
    await clock.pass(10 * MINUTE_MS);
    expect(begun(lines)).toBeGreaterThan(600 / 4);
    expect(begun(lines)).toBeLessThan(600 / 2);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);
    expect(new Set(lines.map(({ source }) => source))).toEqual(new Set(["demo/bank"]));
    const told = new Set(lines.map(({ subject, tenantid }) => `${subject} of ${tenantid}`));
    expect(told).toEqual(new Set(["ada of demo-bank", "ben of demo-bank", "cleo of demo-fund"]));
    for (const { subject, data } of lines) expect(data.userId).toBe(subject);
    expect(faults).toEqual([]);
  });

  it("shows a newcomer everything within a minute or two", async () => {
    const { clock, books } = await setUp();
    await clock.pass(2 * MINUTE_MS);
    const seen = new Set(books.events.map(nameOf));
    expect([...seen].sort()).toEqual([
      "ALLOWED",
      "BLOCK",
      "CREATED",
      "FROZEN",
      "REVIEW",
      "UNFROZEN",
      "transaction.completed",
      "transaction.created",
      "transaction.updated",
      "wallet.balance",
    ]);
  });

  it("goes on when the recording is at its end, at the speed that was asked for, and the books agree all the way", async () => {
    const { clock, books, lines, faults } = await setUp(60);
    await clock.pass(2 * MINUTE_MS);
    expect(begun(lines)).toBeGreaterThan(2 * readRecords().length);
    expect([...books.accounts.keys()].sort()).toEqual(["ada GBP", "ada USD", "ben GBP", "ben USD", "cleo GBP", "cleo USD"]);
    expect(faults).toEqual([]);
  });

  it("waits for a server that is away: no turn is lost and none is said twice", async () => {
    const { clock, lines, server, comeBack } = await setUp();
    await clock.pass(MINUTE_MS);
    server.isAway = true;
    const before = lines.length;
    await clock.pass(MINUTE_MS);
    expect(lines.length).toBe(before);
    server.isAway = false;
    comeBack();
    await clock.pass(MINUTE_MS);
    expect(lines.length).toBeGreaterThan(before);
  });

  it("leaves nothing open when it is closed, and nothing due", async () => {
    const { clock, books, lines, bank } = await setUp();
    await clock.pass(MINUTE_MS);
    await bank.close();
    for (const { open, status } of books.accounts.values()) expect([open.size, status]).toEqual([0, "ACTIVE"]);
    const count = lines.length;
    await clock.pass(MINUTE_MS);
    expect([clock.waiting, lines.length]).toEqual([0, count]);
  });

  it("tells of a refusal, and says nothing more", async () => {
    const { clock, faults, server } = await setUp();
    server.refusal = new Error("refused");
    await clock.pass(MINUTE_MS);
    expect(faults).toEqual([server.refusal]);
  });
});
