import { PassThrough } from "node:stream";
import type { WebSocket } from "ws";
import { afterEach, expect, it, vi } from "vitest";
import { Refusal } from "@broadtape/protocol/errors";
import { testForm } from "../../../testing/connection.ts";
import { WebSocketConnection } from "./connection.ts";

afterEach(() => {
  vi.useRealTimers();
});

it.each([
  ["SHUTTING_DOWN", 5000],
  ["SLOW_CONSUMER", 30_000],
] as const)("who is closed with %s has %d ms to read why, before its connection is cut", (code, graceMs) => {
  vi.useFakeTimers();
  const socket = { close: vi.fn(), terminate: vi.fn() };
  new WebSocketConnection(socket as unknown as WebSocket, new PassThrough(), testForm()).close(new Refusal(code, "why"));
  expect(socket.close).toHaveBeenCalledWith(expect.any(Number), code);
  vi.advanceTimersByTime(graceMs - 1);
  expect(socket.terminate).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(socket.terminate).toHaveBeenCalledOnce();
});
