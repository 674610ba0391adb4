import { afterEach, describe, expect, it } from "vitest";
import { Rig, identityOf } from "../../testing/rig.ts";
import { type Metrics, createMetrics } from "./metrics.ts";

const open: Metrics[] = [];
afterEach(() => {
  for (const metrics of open.splice(0)) metrics.close();
});

async function setUp() {
  const metrics = createMetrics();
  open.push(metrics);
  const rig = await Rig.start({ meter: metrics.meter, limits: { unsentBytes: 3000, behindBytes: 500 } });
  metrics.observe(rig.engine);
  /** The value of a sample, by its name with labels. */
  const sample = async (name: string) => {
    const line = (await metrics.text()).split("\n").find((each) => each.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length));
  };
  return { metrics, rig, sample };
}

describe("metrics", () => {
  it("tell what an operator looks for", async () => {
    const { metrics, rig } = await setUp();
    rig.open(identityOf("ann"));
    const text = await metrics.text();
    for (const name of [
      'connections{surface="test"}',
      "sessions",
      "users",
      "topics",
      "published_events_total",
      "duplicate_events_total",
      "refused_publishes_total",
      "delivered_messages_total",
      "conflated_values_total",
      "paused_total",
      "paused_sessions",
      "resyncs_total",
      "held_values",
      "queued_bytes",
      "ring_bytes",
      "log_lag_events",
      "log_head_offset",
      "checkpoint_offset",
      'view_entities{view="feeds"}',
      "publish_to_write_seconds_count",
      "stored_to_write_seconds_count",
      "log_commit_seconds_count",
      'event_loop_delay_seconds{quantile="0.99"}',
    ]) {
      expect(text).toContain(`\nbroadtape_${name} `);
    }
    expect(text).toContain("# HELP broadtape_dropped_connections_total");
    expect(metrics.contentType).toContain("text/plain");
  });

  it("count what happened: published, told, repeated and refused", async () => {
    const { rig, sample } = await setUp();
    const { session } = rig.open(identityOf("ann", ["feed:a"]));
    await rig.follow(session, { topics: ["feed:a"] });
    await rig.publish([
      ["feed", "a", 1],
      ["feed", "b", 1],
    ]);
    const publisher = { userId: "pub", tenant: "acme", anyTenant: false, correlationId: "c" };
    const named = { type: "test.feed", id: "1", data: { name: "b", value: 1 } };
    await rig.engine.publish([named], publisher);
    await rig.engine.publish([named], publisher);
    await rig.engine.publish([{}], publisher).catch(() => undefined);
    expect(await sample("broadtape_published_events_total")).toBe(3);
    expect(await sample("broadtape_duplicate_events_total")).toBe(1);
    expect(await sample("broadtape_refused_publishes_total")).toBe(1);
    expect(await sample("broadtape_delivered_messages_total")).toBe(1);
    expect(await sample("broadtape_topics")).toBe(1);
    expect(await sample("broadtape_log_lag_events")).toBe(0);
    expect(await sample('broadtape_view_entities{view="feeds"}')).toBe(2);
  });

  it("count a thing once, however often they are read", async () => {
    const { rig, sample } = await setUp();
    await rig.publish([["feed", "a", 1]]);
    expect(await sample("broadtape_published_events_total")).toBe(1);
    expect(await sample("broadtape_published_events_total")).toBe(1);
  });

  it("measure from the publisher's request to the write, once per message whatever the number of receivers", async () => {
    const { rig, sample } = await setUp();
    for (const user of ["ann", "bob", "cyd"]) {
      const { session } = rig.open(identityOf(user, ["feed:a"]));
      await rig.follow(session, { topics: ["feed:a"] });
    }
    const publishing = rig.engine.publish([{ type: "test.feed", data: { name: "a", value: 1 } }], {
      userId: "pub",
      tenant: "acme",
      anyTenant: false,
      correlationId: "c",
    });
    rig.clock.stall(4);
    await publishing;
    rig.clock.turn();
    expect(await sample("broadtape_publish_to_write_seconds_count")).toBe(1);
    expect(await sample("broadtape_publish_to_write_seconds_sum")).toBeCloseTo(0.004, 9);
    expect(await sample('broadtape_publish_to_write_seconds_bucket{le="0.005"}')).toBe(1);
    expect(await sample('broadtape_publish_to_write_seconds_bucket{le="0.003"}')).toBe(0);
    expect(await sample("broadtape_stored_to_write_seconds_count")).toBe(1);
  });

  it("show clients that do not keep up: values that wait, lanes on the log, connections dropped by code", async () => {
    const { rig, sample } = await setUp();
    const { session, client } = rig.open(identityOf("ann", ["feed:a"]));
    await rig.follow(session, { topics: ["feed:a", "gauge:x"] });
    client.stick();
    for (let value = 1; value <= 40; value++)
      await rig.publish([
        ["feed", "a", value],
        ["gauge", "x", value],
      ]);
    expect(await sample("broadtape_paused_total")).toBe(1);
    expect(await sample("broadtape_paused_sessions")).toBe(1);
    expect(await sample("broadtape_held_values")).toBe(1);
    expect(await sample("broadtape_conflated_values_total")).toBeGreaterThan(20);
    expect(await sample("broadtape_queued_bytes")).toBeGreaterThan(0);
    rig.clock.advance(31_000);
    expect(await sample('broadtape_dropped_connections_total{code="SLOW_CONSUMER"}')).toBe(1);
    expect(await sample("broadtape_sessions")).toBe(0);
    expect(await sample('broadtape_connections{surface="test"}')).toBeUndefined();
    expect(await sample("broadtape_held_values")).toBe(0);
  });

  it("do not call it dropped when the client went by itself", async () => {
    const { metrics, rig } = await setUp();
    rig.open(identityOf("ann")).session.lost();
    expect(await metrics.text()).not.toContain("broadtape_dropped_connections_total{");
  });

  it("have labels of bounded number alone: no user, topic or symbol", async () => {
    const { metrics, rig } = await setUp();
    const { session } = rig.open(identityOf("ann-secret", ["feed:topicsecret"]));
    await rig.follow(session, { topics: ["feed:topicsecret"] });
    await rig.publish([["feed", "topicsecret", 1]]);
    expect(await metrics.text()).not.toContain("secret");
  });
});
