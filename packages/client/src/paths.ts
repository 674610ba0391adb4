/** Spelled out here as well as in `protocol/native.ts`, whose schemas a browser need not load; a test holds them together. */
export const SUBPROTOCOL = "broadtape.v1";
export const NATIVE_WEBSOCKET_PATH = "/api/v1/ws";
export const NATIVE_STREAM_PATH = "/api/v1/stream";
