import { renderToStaticMarkup } from "react-dom/server";
import { expect, it } from "vitest";
import { Waiting } from "./outbox-panel.tsx";

function said(waiting: number, waitingSeconds: number): string {
  const outbox = { exists: true, waiting, waitingSeconds, refused: [], next: null };
  return renderToStaticMarkup(<Waiting outbox={outbox} />).replaceAll(/<[^>]*>/g, "");
}

it("says how many batches wait, as far as they are counted, and for how long", () => {
  expect([said(0, 0), said(1, 0.2), said(12, 75), said(10_000, 7200)]).toEqual([
    "nothing waits",
    "1 waits, the oldest for less than 1 s",
    "12 wait, the oldest for 1 min 15 s",
    "10,000 or more wait, the oldest for 2 h",
  ]);
});
