/**
 * Hosts of a private network in one machine: a network namespace each (Debian's iproute2), all on one bridge, which the test's own
 * process reaches too. Needs root.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Host } from "../host.ts";

const execFileAsync = promisify(execFile);

export class Network {
  readonly #bridge: string;
  readonly #spaces = new Map<string, string>();
  readonly #addresses = new Map<string, string>();

  private constructor(bridge: string) {
    this.#bridge = bridge;
  }

  static async create(names: readonly string[]): Promise<Network> {
    const mark = process.pid % 50_000;
    const network = new Network(`bt${mark}`);
    // Of the block for tests between networks (RFC 2544), so that it is nobody's.
    const prefix = `198.${18 + (mark % 2)}.${(mark >> 1) % 250}`;
    try {
      await ip("link", "add", network.#bridge, "type", "bridge");
      await ip("addr", "add", `${prefix}.254/24`, "dev", network.#bridge);
      await ip("link", "set", network.#bridge, "up");
      for (const [index, name] of names.entries()) await network.#add(name, `${prefix}.${index + 1}`, index);
      return network;
    } catch (error) {
      await network.remove();
      throw error;
    }
  }

  host(name: string): Host {
    const space = this.#spaceOf(name);
    return {
      address: this.#addressOf(name),
      command: (program, args) => ["ip", ["netns", "exec", space, program, ...args]],
    };
  }

  /**
   * Nothing gets from one to the other, and neither is told: as where a cable is pulled out behind a switch. One pair at a time, since
   * what is isolated on a bridge is so from all else that is isolated.
   */
  async cut(one: string, other: string): Promise<void> {
    await this.#isolate([one, other], "on");
  }

  async heal(one: string, other: string): Promise<void> {
    await this.#isolate([one, other], "off");
  }

  async remove(): Promise<void> {
    const steps = [...this.#spaces.values()].map((space) => ["netns", "del", space]);
    for (const step of [...steps, ["link", "del", this.#bridge]]) await ip(...step).catch(() => undefined);
  }

  async #add(name: string, address: string, index: number): Promise<void> {
    const space = `${this.#bridge}-${name}`;
    const inside = `${this.#bridge}i${index}`;
    await ip("netns", "add", space);
    this.#spaces.set(name, space);
    const outside = this.#portOf(name);
    this.#addresses.set(name, address);
    await ip("link", "add", outside, "type", "veth", "peer", "name", inside);
    await ip("link", "set", inside, "netns", space);
    await ip("link", "set", outside, "master", this.#bridge, "up");
    await ip("-n", space, "addr", "add", `${address}/24`, "dev", inside);
    await ip("-n", space, "link", "set", inside, "up");
    await ip("-n", space, "link", "set", "lo", "up");
  }

  async #isolate(names: readonly string[], state: "on" | "off"): Promise<void> {
    for (const name of names) await ip("link", "set", "dev", this.#portOf(name), "type", "bridge_slave", "isolated", state);
  }

  #portOf(name: string): string {
    return `${this.#bridge}o${[...this.#spaces.keys()].indexOf(name)}`;
  }

  #spaceOf(name: string): string {
    const space = this.#spaces.get(name);
    if (space === undefined) throw new Error(`there is no host ${name}`);
    return space;
  }

  #addressOf(name: string): string {
    return this.#addresses.get(name) ?? "";
  }
}

async function ip(...args: readonly string[]): Promise<void> {
  await execFileAsync("ip", args);
}
