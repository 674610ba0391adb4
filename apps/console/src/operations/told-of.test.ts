import { expect, it } from "vitest";
import { nameOf, newestEventOf, thingNamed } from "./told-of.ts";

it("names a thing by its topic and its id, which no event's id or correlation id looks like", () => {
  expect(thingNamed(nameOf("orders", "ann", "o/1"))).toEqual({ topic: "orders:ann", field: "order", id: "o/1" });
  expect(thingNamed(nameOf("trades", "b:ob", "t-1"))).toEqual({ topic: "trades:b:ob", field: "trade", id: "t-1" });
  for (const other of ["EV-0000000000000001", "1763740000000-0000000a1", "way/1", "orders:ann", "prices:ann/1", ""])
    expect(thingNamed(other)).toBeUndefined();
});

it("finds the newest event that told of it, and none where none did", async () => {
  const asked: string[] = [];
  const events = [
    { eventId: "e-1", data: { order: { id: "o-1" } } },
    { eventId: "e-2", data: { order: { id: "o-1" } } },
    { eventId: "e-3", data: { order: { id: "o-2" } } },
    { eventId: "e-4", data: null },
  ];
  const authorized: typeof fetch = (path) => {
    asked.push(typeof path === "string" ? path : "");
    return Promise.resolve(new Response(JSON.stringify({ events, next: "e-4", complete: true })));
  };
  const find = (id: string) => newestEventOf(authorized, { topic: "orders:ann", field: "order", id });
  expect([await find("o-1"), await find("o-2"), await find("o-3")]).toEqual(["e-2", "e-3", undefined]);
  expect(asked[0]).toBe("api/v1/operations/tail?topic=orders%3Aann&limit=1000");
});
