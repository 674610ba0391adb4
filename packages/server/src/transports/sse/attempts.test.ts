import { describe, expect, it } from "vitest";
import { alone } from "../../cluster/alone.ts";
import { FakeClock } from "../../../testing/fake-clock.ts";
import { Attempts, networkOf } from "./attempts.ts";

function setUp() {
  const clock = new FakeClock();
  const cluster = alone({ id: "one", name: "one" }, () => clock.monotonic());
  return { clock, attempts: new Attempts(cluster, { failed: 2, others: 3 }) };
}

describe("attempts to open a stream", () => {
  it("are limited by address and minute, and the wait is told", async () => {
    const { clock, attempts } = setUp();
    expect([await attempts.count("a", "failed"), await attempts.count("a", "failed")]).toEqual([undefined, undefined]);
    clock.advance(45_000);
    expect(await attempts.count("a", "failed")).toBe(15_000);
    expect(await attempts.count("b", "failed")).toBeUndefined();
    clock.advance(15_000);
    expect(await attempts.count("a", "failed")).toBeUndefined();
  });

  it("are limited by what one customer is given, however many addresses that are", async () => {
    const { attempts } = setUp();
    const waits = await Promise.all(
      ["2001:db8:1:2::1", "2001:db8:1:2:ff::", "2001:db8:1:2:3:4:5:6"].map((address) => attempts.count(address, "failed")),
    );
    expect(waits).toEqual([undefined, undefined, 60_000]);
    expect(await attempts.count("2001:db8:1:3::1", "failed")).toBeUndefined();
  });

  it.each([
    ["10.0.0.1", "10.0.0.1"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
    ["::1", "0:0:0:0::/64"],
    ["2001:0DB8::1", "2001:db8:0:0::/64"],
    ["2001:db8:0:1::", "2001:db8:0:1::/64"],
    ["fe80::1:2:3:4%eth0", "fe80:0:0:0::/64"],
    ["unknown", "unknown"],
  ])("of %s are counted for %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it("are counted apart, those that failed and the others", async () => {
    const { attempts } = setUp();
    for (let count = 0; count < 5; count++) await attempts.count("a", "failed");
    const others = [1, 2, 3, 4].map(() => attempts.count("a", "others"));
    expect(await Promise.all(others)).toEqual([undefined, undefined, undefined, 60_000]);
  });

  it("that are refused do not make the wait longer", async () => {
    const { clock, attempts } = setUp();
    for (let count = 0; count < 100; count++) await attempts.count("a", "failed");
    clock.advance(60_000);
    expect(await attempts.count("a", "failed")).toBeUndefined();
  });

  it("are not forgiven by a jump of the wall clock", async () => {
    const { clock, attempts } = setUp();
    for (let count = 0; count < 2; count++) await attempts.count("a", "failed");
    clock.jump(3_600_000);
    expect(await attempts.count("a", "failed")).toBe(60_000);
  });
});
