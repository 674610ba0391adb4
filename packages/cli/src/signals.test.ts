import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { onSignals } from "./signals.ts";

describe("signals", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("takes one that npm, a terminal and the launcher all passed on for one", () => {
    const source = new EventEmitter();
    const handlers = { first: vi.fn(), second: vi.fn() };
    onSignals(source, handlers);
    for (const signal of ["SIGINT", "SIGINT", "SIGTERM"]) source.emit(signal);
    expect(handlers.first).toHaveBeenCalledOnce();
    expect(handlers.second).not.toHaveBeenCalled();
  });

  it("hears a second one that comes later", () => {
    const source = new EventEmitter();
    const handlers = { first: vi.fn(), second: vi.fn() };
    onSignals(source, handlers);
    source.emit("SIGTERM");
    vi.advanceTimersByTime(501);
    source.emit("SIGINT");
    expect(handlers.first).toHaveBeenCalledOnce();
    expect(handlers.second).toHaveBeenCalledExactlyOnceWith("SIGINT");
  });
});
