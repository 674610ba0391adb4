/** What a reader can break, and what then stands on the screen. */
import { setTimeout as wait } from "node:timers/promises";
import type { TestCluster, TestNode } from "../../test/cluster.ts";
import type { Terminal } from "./terminal.ts";
import type { Witness } from "./witness.ts";

/** How long after a fault its damage is told: longer than clients need to come back. */
const DAMAGE_MS = 4000;

export class Faults {
  readonly #cluster: TestCluster;
  readonly #terminal: Terminal;
  readonly #witness: Witness;
  readonly #running = new Map<TestNode, boolean>();
  #isNatsRunning = true;
  #hasStandby = true;
  #telling: Promise<void> | undefined;
  #isBusy = false;

  constructor(cluster: TestCluster, terminal: Terminal, witness: Witness) {
    this.#cluster = cluster;
    this.#terminal = terminal;
    this.#witness = witness;
    for (const node of cluster.nodes) this.#running.set(node, true);
  }

  /** One at a time; what comes while one is under way is not heard. */
  async press(key: string): Promise<void> {
    const deed = this.#deedOf(key);
    if (deed === undefined || this.#isBusy) return;
    this.#isBusy = true;
    try {
      await deed();
    } catch (error) {
      const [line = ""] = String(error).split("\n");
      this.#say(line);
    } finally {
      this.#isBusy = false;
    }
  }

  /** Says who has died or come back, whoever did that. */
  look(): void {
    for (const node of this.#cluster.nodes) {
      if (this.#running.get(node) === node.isRunning) continue;
      this.#running.set(node, node.isRunning);
      const { exitCode, signalCode } = node.process;
      const how = signalCode === null ? `ended by itself with ${exitCode ?? 0}` : `was killed with ${signalCode}`;
      this.#say(`${node.name} ${node.isRunning ? `is back: kill -9 ${node.process.pid ?? 0}` : how}`);
      if (!node.isRunning) this.#tellDamage();
    }
  }

  #deedOf(key: string): (() => Promise<void>) | undefined {
    if (key === "p") return () => this.#failOver();
    if (key === "n") return () => this.#toggleNats();
    const node = this.#cluster.nodes[Number(key) - 1];
    return node && (() => this.#toggle(node));
  }

  async #toggle(node: TestNode): Promise<void> {
    if (node.isRunning) await node.kill("SIGKILL");
    else {
      this.#say(`${node.name} starts`);
      await node.start();
    }
    this.look();
  }

  async #failOver(): Promise<void> {
    if (!this.#hasStandby || this.#cluster.database === undefined) {
      this.#say("the standby has taken over already, and has none of its own");
      return;
    }
    this.#hasStandby = false;
    await this.#cluster.database.failOver();
    this.#say("the primary of PostgreSQL was killed, the standby is promoted");
    this.#tellDamage();
  }

  async #toggleNats(): Promise<void> {
    const { nats } = this.#cluster;
    if (nats === undefined) return;
    if (this.#isNatsRunning) await nats.kill("SIGKILL");
    else await nats.start();
    this.#isNatsRunning = !this.#isNatsRunning;
    this.#say(this.#isNatsRunning ? "NATS is started" : "NATS was killed: nodes hear of each other's events by looking into the log");
    if (!this.#isNatsRunning) this.#tellDamage();
  }

  #tellDamage(): void {
    const before = this.#witness.tell();
    this.#telling ??= wait(DAMAGE_MS).then(() => {
      this.#telling = undefined;
      const { stored, lost, doubled, repeated, longestMs } = this.#witness.tell();
      const pauses = `longest pause ${seconds(longestMs.publishing)} publishing, ${seconds(longestMs.receiving)} receiving`;
      this.#say(`since then: ${stored - before.stored} events, ${lost - before.lost} lost, ${doubled - before.doubled} twice; ${pauses};`);
      this.#say(`  ${repeated - before.repeated} attempts at publishing were repeated under the same id`);
    });
  }

  #say(line: string): void {
    this.#terminal.say(`${this.#terminal.dim(new Date().toTimeString().slice(0, 8))}  ${line}`);
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
