import { describe, expect, it } from "vitest";
import { messageOf } from "../../testing/connection.ts";
import { Sequence } from "../engine/sequence.ts";
import type { Recipient } from "../engine/witness.ts";
import { Ledger } from "./ledger.ts";

const recipient = (connectionId: string, tenant = "acme"): Recipient => ({
  connectionId,
  tenant,
  userId: `user of ${connectionId}`,
  clientId: undefined,
  surface: "test",
});

const listOf = (...offsets: readonly number[]) => offsets.reduce((list, offset) => list.then(messageOf({ offset })), Sequence.empty());
const valuesOf = (...offsets: readonly number[]) =>
  offsets.reduce((list, offset) => list.then(messageOf({ offset, key: "k" })), Sequence.empty());

const SIZES = { writes: 8, messages: 16, acks: 4 };
const ann = recipient("ann");
const bob = recipient("bob");

const of = (ledger: Ledger, offset: number, tenant = "acme") =>
  ledger.deliveriesOf(new Set([offset]), tenant).map(({ to, isLossless, attempt, replaced, writtenAt, ackedAt }) => ({
    to: to.connectionId,
    isLossless,
    attempt,
    replaced,
    writtenAt,
    ackedAt,
  }));

describe("the ledger", () => {
  it("tells to whom an event was written and when, in the order of the writes", () => {
    const ledger = new Ledger(0, SIZES);
    const shared = listOf(1, 2, 3);
    ledger.wrote(shared, ann, 10);
    ledger.wrote(listOf(4), ann, 20);
    ledger.wrote(shared, bob, 30);
    const plain = { isLossless: true, attempt: 1, replaced: 0, ackedAt: undefined };
    expect(of(ledger, 2)).toEqual([
      { ...plain, to: "ann", writtenAt: 10 },
      { ...plain, to: "bob", writtenAt: 30 },
    ]);
    expect(of(ledger, 4)).toEqual([{ ...plain, to: "ann", writtenAt: 20 }]);
    expect(of(ledger, 5)).toEqual([]);
  });

  it("tells when each connection acknowledged it, the first time", () => {
    const ledger = new Ledger(0, SIZES);
    const shared = listOf(1);
    ledger.wrote(shared, ann, 10);
    ledger.wrote(shared, bob, 10);
    ledger.acked(bob, [1], 15);
    ledger.acked(bob, [1], 99);
    expect(of(ledger, 1)).toMatchObject([
      { to: "ann", ackedAt: undefined },
      { to: "bob", ackedAt: 15 },
    ]);
  });

  it("counts what was sent again, also where it reads as the first time", () => {
    const ledger = new Ledger(0, SIZES);
    const message = messageOf({ offset: 1 });
    ledger.wrote(listOf(1), ann, 10);
    ledger.wrote(listOf(1), ann, 20);
    ledger.wrote(Sequence.empty().then({ words: { name: "again", body: "{}" }, size: 2, of: message, attempt: 7 }), ann, 30);
    expect(of(ledger, 1).map(({ attempt }) => attempt)).toEqual([1, 2, 7]);
  });

  it("tells values from events, and how many a value stood for", () => {
    const ledger = new Ledger(0, SIZES);
    const value = messageOf({ offset: 9, key: "k" });
    ledger.wrote(Sequence.empty().then({ words: { name: "value", body: "{}" }, size: 2, of: value, replaced: 4 }), ann, 10);
    expect(of(ledger, 9)).toMatchObject([{ isLossless: false, attempt: 1, replaced: 4 }]);
  });

  it("passes over what is no event: heartbeats, answers, ticks", () => {
    const ledger = new Ledger(0, SIZES);
    const said = Sequence.empty().then({ words: { name: "heartbeat", body: "{}" }, size: 2 });
    ledger.wrote(said, ann, 10);
    ledger.wrote(Sequence.empty().then(messageOf({ offset: Number.MAX_SAFE_INTEGER, eventId: "", key: "tick" })), ann, 10);
    expect(of(ledger, Number.MAX_SAFE_INTEGER)).toEqual([]);
    expect(ledger.since("all")).toBe(0);
  });

  it("tells a tenant of its own connections alone", () => {
    const ledger = new Ledger(0, SIZES);
    const shared = listOf(1);
    ledger.wrote(shared, ann, 10);
    ledger.wrote(shared, recipient("eve", "other"), 10);
    expect(of(ledger, 1).map(({ to }) => to)).toEqual(["ann"]);
    expect(of(ledger, 1, "other").map(({ to }) => to)).toEqual(["eve"]);
  });

  it("forgets the oldest first, and says since when it remembers all", () => {
    const ledger = new Ledger(5, SIZES);
    expect(ledger.since("lossless")).toBe(5);
    for (let offset = 1; offset <= 20; offset++) ledger.wrote(listOf(offset), ann, 100 + offset);
    expect(of(ledger, 12)).toEqual([]);
    for (let offset = 13; offset <= 20; offset++) expect(of(ledger, offset)).toHaveLength(1);
    expect(ledger.since("lossless")).toBe(114);
  });

  it("forgets a write with its list, and notes the list anew where it is written once more", () => {
    const ledger = new Ledger(0, SIZES);
    const early = listOf(1, 2, 3);
    ledger.wrote(early, ann, 10);
    ledger.wrote(listOf(4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14), ann, 20);
    ledger.wrote(listOf(15, 16), ann, 30);
    expect(of(ledger, 2)).toEqual([]);
    expect(ledger.since("lossless")).toBe(11);
    ledger.wrote(early, bob, 40);
    expect(of(ledger, 2)).toMatchObject([{ to: "bob", writtenAt: 40 }]);
  });

  it("lets no flood of values push out an event", () => {
    const ledger = new Ledger(0, SIZES);
    ledger.wrote(listOf(1), ann, 10);
    for (let offset = 2; offset < 1000; offset++) ledger.wrote(valuesOf(offset), ann, offset);
    expect(of(ledger, 1)).toHaveLength(1);
    expect(of(ledger, 999)).toHaveLength(1);
    expect(ledger.since("lossless")).toBe(0);
    expect(ledger.since("all")).toBe(993);
  });

  it("notes as much as it holds of a list that is longer", () => {
    const ledger = new Ledger(0, SIZES);
    ledger.wrote(listOf(...Array.from({ length: 40 }, (_, index) => index + 1)), ann, 10);
    expect(of(ledger, 40)).toHaveLength(1);
    expect(of(ledger, 1)).toEqual([]);
  });
});
