import type { TransactionMessage } from "@broadtape/client/transactions";
import { expect, it } from "vitest";
import { Unseen } from "./unseen.ts";

function open(limit = 10) {
  const unseen = new Unseen(limit);
  const acknowledged: string[] = [];
  const tell = (eventId: string, id: string) => {
    const transaction = { id, amount: 1, currency: "GBP", type: "TRANSFER_IN", status: "SUCCESS", createdAt: "" };
    const message: TransactionMessage = { type: "transaction", eventId, timestamp: "", transaction };
    void unseen.take(message).then(() => acknowledged.push(eventId));
  };
  const settled = async () => {
    await Promise.resolve();
    return [...acknowledged];
  };
  return { unseen, tell, settled };
}

it("acknowledges everything that was told of a transaction when its row was seen, and nothing else", async () => {
  const { unseen, tell, settled } = open();
  tell("EV-1", "one");
  tell("EV-2", "two");
  tell("EV-3", "one");
  expect(await settled()).toEqual([]);
  expect([...unseen.ids.get()]).toEqual(["one", "two"]);
  unseen.see("one");
  expect(await settled()).toEqual(["EV-1", "EV-3"]);
  expect([...unseen.ids.get()]).toEqual(["two"]);
});

it("holds back no more acks than it may, so that the server goes on sending", async () => {
  const { unseen, tell, settled } = open(2);
  for (const id of ["one", "two", "three", "four"]) tell(`EV-${id}`, id);
  expect(await settled()).toEqual(["EV-one", "EV-two"]);
  expect([...unseen.ids.get()]).toEqual(["three", "four"]);
});

it("tells nobody where nothing changes", () => {
  const { unseen, tell } = open();
  tell("EV-1", "one");
  let changes = 0;
  unseen.ids.subscribe(() => changes++);
  unseen.see("another");
  unseen.see("one");
  unseen.see("one");
  expect(changes).toBe(1);
});
