import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { connect } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { until } from "../../../../../test/contract/server.ts";
import { type NatsServer, startNats } from "../../../../../test/nats.ts";
import { newBatches, newEvent, Node, type WirePlace } from "../contract-place.ts";
import { wireContract } from "../contract-tests.ts";
import type { WireOptions } from "../wire.ts";
import { encodeBatches, encodeWake } from "./message.ts";
import { openNatsWire, subjectOf } from "./nats-wire.ts";
import { type NatsSizes, SIZES } from "./sizes.ts";

const QUICK: NatsSizes = { ...SIZES, backoff: { firstMs: 10, longestMs: 50 } };

async function newPlace(settings: readonly string[] = [], sizes = QUICK): Promise<WirePlace & { readonly server: NatsServer }> {
  const server = await startNats(settings);
  return {
    server,
    open: (options) => openNatsWire({ url: server.url }, options, sizes),
    goAway: () => server.kill("SIGKILL"),
    comeBack: () => server.start(),
    remove: () => server.remove(),
  };
}

describe("the wire over NATS", () => {
  wireContract(newPlace);
});

describe("batches over NATS", () => {
  let place: WirePlace & { readonly server: NatsServer };
  const nodes: Node[] = [];
  const newNode = (options: Partial<WireOptions> = {}) => {
    const node = new Node(place, options);
    nodes.push(node);
    return node;
  };
  const connected = (...waiting: readonly Node[]) => until(() => waiting.every(({ wire }) => wire.status === "connected"));

  /** The second has heard the first, and whatever was told while they connected. */
  const acquainted = async (one: Node, other: Node) => {
    await connected(one, other);
    one.wire.announce([newEvent(1)]);
    await until(() => other.offsets.includes(1));
  };

  beforeAll(async () => {
    place = await newPlace(["max_payload: 4096"], { ...QUICK, pingMs: 50, unconfirmedBytes: 256 * 1024 });
  });
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(({ wire }) => wire.close()));
  });
  afterAll(async () => {
    await place.remove();
  });

  it("come whole, in order, with every field as it was", async () => {
    const [ann, ben] = [newNode(), newNode()];
    await connected(ann, ben);
    const batches = [
      newBatches(5, [2, 1]),
      [newEvent(8, { subject: "ann", data: `{"price":1.10,"text":"ü\\u0000"}`, id: "\u0000\ud800\u2028" })],
    ];
    for (const batch of batches) ann.wire.announce(batch);
    await until(() => ben.batches.length === 2);
    expect(ben.batches).toEqual(batches);
    expect(ben.wire.meter).toMatchObject({ heard: 2, malformed: 0, dropped: 0 });
  });

  it("are split between publish batches where the server takes no more, and one that is too long is left to the log", async () => {
    const [ann, ben] = [newNode(), newNode()];
    await acquainted(ann, ben);
    const woken = ben.wakes;
    ann.wire.announce(newBatches(2, [20, 20, 20, 200, 3]));
    await until(() => ben.offsets.includes(264));
    expect(ben.wakes).toBe(woken + 1);
    expect(ben.offsets).toEqual([...Array.from({ length: 61 }, (_, index) => index + 1), 262, 263, 264]);
    expect(ben.batches.length).toBeGreaterThan(2);
    expect(ben.batches.every(([first]) => first?.offset === first?.batch)).toBe(true);
    expect(ann.wire.status).toBe("connected");
  });

  it("are not heard where they are this node's own or of another life of the log, nor where they are none", async () => {
    const ben = newNode({ node: "ben" });
    await connected(ben);
    const stranger = await connect({ servers: place.server.url });
    const subject = subjectOf({ node: "", log: "log", epoch: 7 });
    const events = newBatches(1, [1]);
    const [own = "", ofAnother = "", good = ""] = [
      { node: "ben", epoch: 7 },
      { node: "ann", epoch: 8 },
      { node: "ann", epoch: 7 },
    ].map((speaker) => encodeBatches(speaker, events, 4096)[0]);
    const { wakes } = ben;
    for (const payload of [own, ofAnother, encodeWake({ node: "ben", epoch: 7 }), "", "{}", "[", Buffer.from([0xff]), good]) {
      stranger.publish(subject, payload);
    }
    await until(() => ben.batches.length > 0);
    await stranger.close();
    expect(ben.batches).toEqual([events]);
    expect(ben.wire.meter).toMatchObject({ ignored: 3, malformed: 4, heard: 1 });
    expect(ben.wakes).toBe(wakes);
  });

  it("do not pile up for a server that stops reading; when it goes on, everybody is told to read the log", async () => {
    const [ann, ben] = [newNode(), newNode()];
    await connected(ann, ben);
    place.server.setRunning(false);
    for (let offset = 1; ann.wire.meter.unsent === 0; offset++) ann.wire.announce([newEvent(offset, { data: "x".repeat(3000) })]);
    expect(ann.wire.meter.announced).toBeLessThan(100);
    await until(() => ann.statuses.length === 2);
    expect(ann.statuses[1]).toEqual(["connecting", "NATS does not answer"]);
    const woken = ben.wakes;
    place.server.setRunning(true);
    await connected(ann, ben);
    await until(() => ben.wakes > woken);
  });

  it("that did not fit a busy line are made up for by a wake", async () => {
    const [ann, ben] = [newNode(), newNode()];
    await acquainted(ann, ben);
    const woken = ben.wakes;
    for (let offset = 2; ann.wire.meter.unsent < 10; offset++) ann.wire.announce([newEvent(offset, { data: "x".repeat(3000) })]);
    await until(() => ben.wakes > woken);
    expect(ann.wire.meter.reconnects).toBe(0);
    expect(ben.batches).toHaveLength(ann.wire.meter.announced);
  });
});

describe("a NATS that wants a password", () => {
  it("is told of when it refuses, and has it from the URL", async () => {
    const server = await startNats([`authorization: { user: ann, password: "p@ss" }`]);
    const place = { open: (options: WireOptions) => openNatsWire({ url }, options, QUICK) };
    let url = server.url.replace("//", "//ann:wrong@");
    const refused = new Node({ ...server, goAway: server.kill, comeBack: server.start, ...place });
    await until(() => refused.statuses.length > 0);
    expect(refused.statuses[0]).toEqual(["connecting", "Authorization Violation"]);
    url = server.url.replace("//", "//ann:p%40ss@");
    const admitted = new Node({ ...server, goAway: server.kill, comeBack: server.start, ...place });
    await until(() => admitted.wire.status === "connected");
    await Promise.all([refused.wire.close(), admitted.wire.close()]);
    await server.remove();
  });
});

describe("a node that stops reading", () => {
  it("is cut off by the server, and reads the log when it goes on", async () => {
    const server = await startNats(["max_payload: 1MB", "max_pending: 2MB", `write_deadline: "100ms"`]);
    const fixture = new URL("fixture-slow-node.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, ["--conditions=@broadtape/source", fixture, server.url], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const told: { heard: number; wakes: number; reconnects: number }[] = [];
    createInterface(child.stdout).on("line", (line) => told.push(JSON.parse(line) as (typeof told)[number]));
    const wire = openNatsWire({ url: server.url }, { node: "ann", log: "log", epoch: 7 }, QUICK);
    await until(() => wire.status === "connected" && told.length > 0);
    let offset = 0;
    const announce = (bytes: number) => wire.announce([newEvent(++offset, { data: "x".repeat(bytes) })]);
    announce(1);
    await until(() => told.at(-1)?.heard === 1);
    child.kill("SIGSTOP");
    // Until the buffers of both machines and the server are full, and beyond.
    for (let batch = 0; batch < 40; batch++) {
      announce(900_000);
      await new Promise(setImmediate);
    }
    await until(() => server.output().includes("Slow Consumer"));
    child.kill("SIGCONT");
    const last = await until(() => told.find(({ reconnects }) => reconnects > 0));
    expect(last.heard).toBeLessThan(offset);
    announce(1);
    await until(() => told.at(-1)?.heard === offset);
    expect(wire.meter.reconnects).toBe(0);
    child.kill("SIGKILL");
    await wire.close();
    await server.remove();
  });
});
