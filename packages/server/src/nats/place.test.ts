import { describe, expect, it } from "vitest";
import { serversOf } from "./place.ts";

describe("where NATS is", () => {
  it.each([
    ["nats://broker", { servers: ["broker:4222"] }],
    ["nats://a:1,nats://b:2", { servers: ["a:1", "b:2"] }],
    ["nats://[::1]:4222", { servers: ["[::1]:4222"] }],
    ["tls://broker:443", { servers: ["broker:443"], tls: {} }],
    ["nats://ann:p%40%2F1@broker, nats://other", { servers: ["broker:4222", "other:4222"], user: "ann", pass: "p@/1" }],
    ["nats://s3cret@broker", { servers: ["broker:4222"], token: "s3cret" }],
  ])("is read from %s", (url, servers) => {
    expect(serversOf({ url })).toEqual(servers);
  });

  it.each([
    ["", "NATS: a server is written as nats://host:port"],
    ["broker", "NATS: a server is written as nats://host:port"],
    ["nats://", "NATS: a server is written as nats://host:port"],
    ["http://ann:secret@broker", "NATS: http:// is neither nats:// nor tls://"],
  ])("is not read from %j", (url, message) => {
    expect(() => serversOf({ url })).toThrow(new Error(message));
  });
});
