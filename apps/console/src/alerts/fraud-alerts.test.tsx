// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { feedIdOf, openFeed, TIME } from "../../../../packages/client/testing/fake-feed.ts";
import { settled } from "../../../../packages/client/testing/fake-environment.ts";
import { AlertQueue } from "./alert-queue.ts";
import { FraudAlerts } from "./fraud-alerts.tsx";

afterEach(cleanup);

async function open() {
  const feed = openFeed({ events: ["fraud"] });
  const queue = new AlertQueue();
  feed.client.on("fraud", queue.take);
  await feed.connect();
  render(<FraudAlerts feeds={{ alerts: feed.client, queue }} />);
  const alarm = (offset: number, more: { redelivered?: true; attempt?: number } = {}) => {
    const alert = {
      transactionId: `TXN-${offset}`,
      riskScore: 0.9,
      reason: `reason ${offset}`,
      action: "BLOCK",
      details: { device: "new" },
    } as const;
    act(() => feed.environment.socket.say({ type: "fraud", eventId: feedIdOf(offset), timestamp: TIME, alert, ...more }));
  };
  const acked = async () => {
    await settled();
    await feed.environment.pass(50);
    return feed.environment.socket.acked;
  };
  return { ...feed, alarm, acked };
}

const text = () => screen.queryByRole("alertdialog")?.textContent ?? "";
const acknowledge = () => act(() => screen.getByRole("button", { name: "Acknowledge" }).click());

it("shows alerts one after the other, and acknowledges each when somebody says so", async () => {
  const { alarm, acked } = await open();
  expect(text()).toBe("");
  alarm(1);
  alarm(2, { redelivered: true, attempt: 3 });
  for (const part of ["Blocked", "reason 1", "TXN-1", "0.9", "new", "1 more waiting"]) expect(text()).toContain(part);
  expect(await acked()).toEqual([]);
  acknowledge();
  expect(text()).toContain("reason 2");
  expect(text()).toContain("redelivered (attempt 3)");
  expect(await acked()).toEqual([feedIdOf(1)]);
  acknowledge();
  expect(text()).toBe("");
  expect(await acked()).toEqual([feedIdOf(1), feedIdOf(2)]);
});

it("shows one that is sent again once", async () => {
  const { alarm, acked } = await open();
  alarm(1);
  alarm(1, { redelivered: true, attempt: 2 });
  acknowledge();
  expect(text()).toBe("");
  expect(await acked()).toEqual([feedIdOf(1)]);
});

it("takes nobody's focus, and hands it on such that a second press acknowledges nothing", async () => {
  const { alarm } = await open();
  alarm(1);
  expect(document.activeElement).toBe(document.body);
  alarm(2);
  const button = screen.getByRole("button", { name: "Acknowledge" });
  button.focus();
  fireEvent.click(button);
  expect(document.activeElement).toBe(screen.getByRole("alertdialog"));
  acknowledge();
  expect(document.activeElement).toBe(screen.getByRole("group", { name: "Fraud alerts" }));
});

it("says that alerts may be missing while the line is cut", async () => {
  const { environment } = await open();
  expect(screen.queryByRole("status")).toBeNull();
  act(() => environment.socket.end());
  expect(screen.getByRole("status", { name: "Alert feed" }).textContent).toMatch(/^Fraud alerts: stale since \d/);
});
