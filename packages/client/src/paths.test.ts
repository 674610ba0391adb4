import { expect, it } from "vitest";
import * as native from "@broadtape/protocol/native";
import * as paths from "./paths.ts";

it("are those of the protocol", () => {
  const { NATIVE_STREAM_PATH, NATIVE_WEBSOCKET_PATH, SUBPROTOCOL } = native;
  expect({ ...paths }).toEqual({ NATIVE_STREAM_PATH, NATIVE_WEBSOCKET_PATH, SUBPROTOCOL });
});
