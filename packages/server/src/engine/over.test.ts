import { describe, expect, it } from "vitest";
import type { CheckpointEntry } from "../log/log.ts";
import type { DomainEvent, Product, View } from "./product.ts";
import { Views } from "./views.ts";

interface Job {
  readonly isDone: boolean;
}

const jobs: View<Job> = {
  name: "jobs",
  version: 1,
  entityOf: ({ data }) => (data as { job: string }).job,
  fold: (state, { type }) => (type === "ended" ? { isDone: true } : (state ?? { isDone: false })),
  isOver: ({ isDone }) => isDone,
};

const product: Product = { name: "jobs", types: {}, views: [jobs], topics: [], topicsOf: () => [] };

let offset = 0;
function event(type: string, job: string, storedAt: number): DomainEvent {
  offset += 1;
  return { type, data: { job }, text: "", tenant: "acme", offset, storedAt, time: "" };
}

function setUp(keptMs = 1000) {
  const views = new Views([product], keptMs);
  const say = (type: string, job: string, storedAt: number) => {
    views.fold(product, event(type, job, storedAt));
  };
  const held = () => [...views.entities(jobs, "acme")].map(([entity]) => entity);
  return { views, say, held };
}

describe("entities to which nothing more happens", () => {
  it("are forgotten when the log has moved on by as long as they are kept, others never", () => {
    const { views, say, held } = setUp();
    say("began", "a", 0);
    say("ended", "a", 10);
    say("began", "b", 20);
    say("began", "c", 1010);
    expect(held()).toEqual(["a", "b", "c"]);
    say("began", "d", 1011);
    expect(held()).toEqual(["b", "c", "d"]);
    expect(views.sizes().get("jobs")).toBe(3);
    expect(views.takeDirty().filter(({ state }) => state === null)).toEqual([{ view: "jobs", tenant: "acme", entity: "a", state: null }]);
  });

  it("are forgotten in the order of their ends, however many there are", () => {
    const { say, held } = setUp();
    for (let job = 0; job < 10; job++) say("ended", `j${job}`, job * 100);
    say("began", "new", 1550);
    expect(held()).toEqual(["j6", "j7", "j8", "j9", "new"]);
  });

  it("are forgotten at the same place by a node that has begun with a checkpoint", () => {
    const first = setUp();
    first.say("ended", "early", 400);
    first.say("ended", "late", 500);
    const saved: CheckpointEntry[] = first.views.takeDirty();
    const second = setUp();
    second.views.restore(saved.toReversed());
    for (const { say } of [first, second]) say("began", "new", 1450);
    expect([first.held(), second.held()]).toEqual([
      ["late", "new"],
      ["late", "new"],
    ]);
  });

  it("make room for others", () => {
    const { views, say } = setUp();
    for (let job = 0; job < 5; job++) say("ended", `j${job}`, 0);
    expect(views.isFull(5)).toBe(true);
    say("began", "new", 2000);
    expect(views.isFull(5)).toBe(false);
  });
});
