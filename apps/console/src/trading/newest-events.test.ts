import { expect, it } from "vitest";
import { NewestEvents } from "./newest-events.ts";

it("knows the newest event of each thing", () => {
  const newest = new NewestEvents(10);
  newest.take("o-1", "event-1");
  newest.take("o-2", "event-2");
  newest.take("o-1", "event-3");
  expect([newest.of("o-1"), newest.of("o-2"), newest.of("o-3")]).toEqual(["event-3", "event-2", undefined]);
});

it("forgets what was not told of for the longest", () => {
  const newest = new NewestEvents(2);
  newest.take("o-1", "event-1");
  newest.take("o-2", "event-2");
  newest.take("o-1", "event-3");
  newest.take("o-3", "event-4");
  expect([newest.of("o-1"), newest.of("o-2"), newest.of("o-3")]).toEqual(["event-3", undefined, "event-4"]);
});
