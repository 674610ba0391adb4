import { describe, expect, it } from "vitest";
import { errorTaker } from "./environment.ts";
import { ValueStore } from "./store.ts";

describe("a store", () => {
  it("has the same reference until it changes, and tells of changes only", () => {
    const [one, two] = [{ value: 1 }, { value: 1 }];
    const store = new ValueStore<object>(one, () => undefined);
    let told = 0;
    store.subscribe(() => (told += 1));
    store.set(one);
    expect([store.get(), told]).toEqual([one, 0]);
    store.set(two);
    expect(store.get()).toBe(two);
    expect(told).toBe(1);
    store.set(two);
    expect(told).toBe(1);
  });

  it("tells the others when a listener throws, leaves or comes while it tells", () => {
    const errors: unknown[] = [];
    const told: string[] = [];
    const store = new ValueStore(0, (error) => errors.push(error));
    const offFirst = store.subscribe(() => {
      told.push("first");
      offFirst();
      store.subscribe(() => told.push("late"));
      throw new Error("a listener's own fault");
    });
    store.subscribe(() => told.push("second"));
    store.set(1);
    expect(told.splice(0)).toEqual(["first", "second"]);
    store.set(2);
    expect(told).toEqual(["second", "late"]);
    expect(errors).toHaveLength(1);
  });

  it("counts the same function as often as it listens", () => {
    const store = new ValueStore(0, () => undefined);
    let told = 0;
    const listener = () => (told += 1);
    const [off] = [store.subscribe(listener), store.subscribe(listener)];
    store.set(1);
    off();
    off();
    store.set(2);
    expect(told).toBe(3);
  });
});

it("errors go to whom they are meant for, and one who throws at that is not heard", () => {
  const taken: unknown[] = [];
  errorTaker((error) => taken.push(error))("fault");
  expect(taken).toEqual(["fault"]);
  const throwing = errorTaker(() => {
    throw new Error("again");
  });
  expect(() => throwing("fault")).not.toThrow();
});
