// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { settled } from "../../../../packages/client/testing/fake-environment.ts";
import { openFeed } from "../../../../packages/client/testing/fake-feed.ts";
import { FilterForm } from "./filter-form.tsx";

afterEach(cleanup);

async function open() {
  const feed = openFeed({ events: ["transaction", "balance", "wallet"] });
  feed.client.on("error", () => undefined);
  await feed.connect();
  const applied: unknown[] = [];
  render(<FilterForm client={feed.client} onApplied={(filters) => applied.push(filters)} />);
  const fill = (label: string, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });
  const press = async (name: string) => {
    fireEvent.click(screen.getByRole("button", { name }));
    await act(settled);
  };
  return { ...feed, applied, fill, press };
}

it("asks the server, and tells of a filter when the server holds it", async () => {
  const { environment, applied, fill, press } = await open();
  fill("Min amount", "0");
  fill("Status", "SUCCESS, FAILED");
  await press("Filter");
  const filters = { minAmount: "0", status: ["SUCCESS", "FAILED"] };
  expect(environment.socket.said("subscribe").at(-1)).toMatchObject({ filters });
  expect(applied).toEqual([filters]);
  await press("Clear");
  expect(applied.at(-1)).toEqual({});
  expect(screen.getByLabelText<HTMLInputElement>("Min amount").value).toBe("");
});

it("shows the server's refusal beside its field until something else is asked for", async () => {
  const { environment, applied, fill, press } = await open();
  const { onSend } = environment.socket;
  environment.socket.onSend = () =>
    queueMicrotask(() =>
      environment.socket.say({ type: "error", code: "BAD_REQUEST", message: "is no amount", path: "filters.minAmount" }),
    );
  fill("Min amount", "much");
  await press("Filter");
  expect(screen.getByRole("alert").textContent).toBe("Min amount: is no amount");
  const field = screen.getByLabelText("Min amount");
  expect(field.getAttribute("aria-invalid")).toBe("true");
  expect(field.getAttribute("aria-describedby")).toBe(screen.getByRole("alert").id);
  expect(applied).toEqual([]);
  environment.socket.onSend = onSend;
  fill("Min amount", "5");
  await press("Filter");
  expect(screen.queryByRole("alert")).toBeNull();
  expect(applied).toEqual([{ minAmount: "5" }]);
});
