import { expect, it } from "vitest";
import { until } from "../../../../test/contract/server.ts";
import { type Connection, Line, type LineOptions } from "./line.ts";

class Scripted implements Connection {
  readonly lost: Promise<Error>;
  lose: (error: Error) => void = () => undefined;
  closes = 0;

  constructor() {
    this.lost = new Promise((resolve) => (this.lose = resolve));
  }

  close(): Promise<void> {
    this.closes += 1;
    this.lose(new Error("closed"));
    return Promise.resolve();
  }
}

function newLine(dial: () => Promise<Scripted>, options: Partial<LineOptions<Scripted>> = {}) {
  const told: (string | boolean)[] = [];
  const line = new Line({
    dial,
    backoff: { firstMs: 10, longestMs: 40 },
    random: () => 1,
    onUp: (isAgain) => told.push(isAgain),
    onStatus: (status, error) => told.push(error === undefined ? status : `${status}: ${error.message}`),
    ...options,
  });
  return { line, told };
}

it("waits longer from attempt to attempt, up to the longest, and tells of the outage once", async () => {
  const attempts: number[] = [];
  const { line, told } = newLine(() => {
    attempts.push(performance.now());
    return attempts.length === 6 ? Promise.resolve(new Scripted()) : Promise.reject(new Error(`away ${attempts.length}`));
  });
  await until(() => line.status === "connected");
  const waits = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
  // Timers of Node may be a millisecond early.
  for (const [index, least] of [10, 20, 40, 40, 40].entries()) expect(waits[index]).toBeGreaterThan(least - 2);
  expect(told).toEqual(["connecting: away 1", "connected", false]);
  await line.close();
});

it("waits between half and all of it, as chance has it", async () => {
  let attempts = 0;
  const { line } = newLine(() => Promise.reject(new Error(`away ${++attempts}`)), {
    random: () => 0,
    backoff: { firstMs: 1, longestMs: 60_000 },
  });
  await until(() => attempts > 5);
  await line.close();
  expect(line.status).toBe("closed");
});

it("makes a new connection where one is lost, and has none in between", async () => {
  const connections = [new Scripted(), new Scripted()];
  let dialled = 0;
  const { line, told } = newLine(() => Promise.resolve(connections[dialled++] ?? new Scripted()));
  await until(() => line.status === "connected");
  expect(line.connection).toBe(connections[0]);
  connections[0]?.lose(new Error("torn"));
  await until(() => line.status === "connecting");
  expect(line.connection).toBeUndefined();
  await until(() => line.status === "connected");
  expect(line.connection).toBe(connections[1]);
  expect(told).toEqual(["connected", false, "connecting: torn", "connected", true]);
  await line.close();
  expect(connections.map(({ closes }) => closes > 0)).toEqual([true, true]);
});

it("closes what comes of an attempt after it was closed itself", async () => {
  const late = new Scripted();
  let arrive: (connection: Scripted) => void = () => undefined;
  const { line, told } = newLine(() => new Promise((resolve) => (arrive = resolve)));
  await line.close();
  arrive(late);
  await until(() => late.closes === 1);
  expect([line.status, told]).toEqual(["closed", ["closed"]]);
});
