import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { messageOf, testForm, testSurface } from "../../testing/connection.ts";
import type { Form, Surface } from "./message.ts";
import { type Item, Sequence } from "./sequence.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

/** A form that counts what it is asked to make. */
function countingForm(over: Partial<Surface> = {}) {
  const made = { words: 0, batches: 0, frames: 0, joins: 0 };
  const plain = testSurface();
  const surface: Surface = {
    ...plain,
    ...over,
    word: (message) => {
      made.words += 1;
      return plain.word(message);
    },
  };
  const form = testForm(surface);
  const counting: Form = {
    ...form,
    frame: (words) => {
      made.frames += 1;
      return form.frame(words);
    },
    join: (frames) => {
      made.joins += 1;
      return form.join(frames);
    },
  };
  return { made, form: counting };
}

const notice = (body: string): Item => ({ words: { name: "say", body }, size: 10 });
const sequenceOf = (start: Sequence, items: readonly Item[]) => items.reduce<Sequence>((list, item) => list.then(item), start);

describe("a sequence", () => {
  it("is one object for all who are owed the same, when each message goes to all its receivers in turn", () => {
    fc.assert(
      fc.property(fc.array(fc.uniqueArray(fc.nat(9)), { maxLength: 10 }), (receiversOfEach) => {
        const empty = Sequence.empty();
        const owed = Array.from({ length: 10 }, () => empty);
        const histories = Array.from({ length: 10 }, () => "");
        for (const [offset, receivers] of receiversOfEach.entries()) {
          const message = messageOf({ offset });
          for (const receiver of [...receivers].sort((a, b) => (histories[a] ?? "").localeCompare(histories[b] ?? ""))) {
            owed[receiver] = owed[receiver]?.then(message) ?? empty;
            histories[receiver] = `${histories[receiver] ?? ""}${offset},`;
          }
        }
        const lists = new Map<string, Set<Sequence>>();
        for (const [receiver, history] of histories.entries()) {
          const list = owed[receiver] ?? empty;
          expect(list.items().map((item) => ("offset" in item ? `${item.offset},` : ""))).toEqual(history.match(/\d+,/g) ?? []);
          lists.set(history, (lists.get(history) ?? new Set()).add(list));
        }
        for (const same of lists.values()) expect(same.size).toBe(1);
      }),
      { seed, numRuns: 300 },
    );
  });

  it("knows how many it holds and about how long they are", () => {
    const messages = [messageOf({ offset: 1 }), messageOf({ offset: 2 })];
    const list = sequenceOf(Sequence.empty(), [...messages, notice("{}")]);
    expect(list.count).toBe(3);
    expect(list.size).toBe(messages.reduce((sum, { size }) => sum + size, 10));
  });

  it("is worded, framed and joined once for a thousand receivers", () => {
    const { made, form } = countingForm();
    const list = sequenceOf(Sequence.empty(), [messageOf({ offset: 1 }), messageOf({ offset: 2 })]);
    const parcels = Array.from({ length: 1000 }, () => list.parcel(form));
    expect(new Set(parcels.map(({ bytes }) => bytes)).size).toBe(1);
    expect(made).toEqual({ words: 2, batches: 0, frames: 2, joins: 1 });
  });

  it("shares a message's frame among lists that differ, within one form and not across two", () => {
    const [one, two] = [countingForm(), countingForm()];
    const shared = messageOf({ offset: 1 });
    const empty = Sequence.empty();
    const a = sequenceOf(empty, [shared, notice("{}")]).parcel(one.form);
    const b = sequenceOf(empty, [messageOf({ offset: 0 }), shared]).parcel(one.form);
    expect(a.frames[0]).toBe(b.frames[1]);
    expect(one.made.words).toBe(2);
    const c = sequenceOf(empty, [shared]).parcel(two.form);
    expect(c.frames[0]).not.toBe(a.frames[0]);
    expect(two.made.words).toBe(1);
  });

  it("joins no bytes that nobody asks for", () => {
    const { made, form } = countingForm();
    expect(sequenceOf(Sequence.empty(), [messageOf({ offset: 1 })]).parcel(form).frames).toHaveLength(1);
    expect(made.joins).toBe(0);
  });

  it("tells what came in one publish batch together, where the surface has words for that", () => {
    const wordBatch: Surface["wordBatch"] = (messages) => ({ name: "batch", body: JSON.stringify(messages.map(({ offset }) => offset)) });
    const { form } = countingForm({ wordBatch });
    const items = [
      messageOf({ offset: 1, batch: 1 }),
      messageOf({ offset: 2, batch: 2 }),
      messageOf({ offset: 3, batch: 2 }),
      notice('"between"'),
      messageOf({ offset: 4, batch: 2 }),
      messageOf({ offset: 5, batch: 5 }),
      messageOf({ offset: 6, batch: 5 }),
    ];
    const parcel = sequenceOf(Sequence.empty(), items).parcel(form);
    const heard = parcel.bytes
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as [string, unknown]);
    expect(heard.map(([name, body]) => (name === "event" ? (body as { offset: number }).offset : body))).toEqual([
      1,
      [2, 3],
      "between",
      4,
      [5, 6],
    ]);
    expect(parcel.count).toBe(7);
  });
});
