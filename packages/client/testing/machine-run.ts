/** Takes the state machine through inputs one by one, and keeps the timers that it asks for. */
import type { ConnectionStatus, Effect, Input, Machine, Rules, Timer } from "../src/connection-state.ts";
import { initialMachine, statusOf } from "../src/connection-state.ts";
import { step } from "../src/connection-step.ts";
import { WELCOME } from "./fake-environment.ts";

export class MachineRun {
  machine: Machine;
  now = 1_000_000;
  random = 0;
  /** Effects of the last input. */
  effects: readonly Effect[] = [];
  /** When each timer that was asked for rings. */
  readonly timers = new Map<Timer, number>();
  isLinkOpen = false;

  constructor(rules: Partial<Rules> = {}) {
    this.machine = initialMachine({
      transports: ["websocket", "sse"],
      reconnection: true,
      reconnectionAttempts: Infinity,
      reconnectionDelay: 1000,
      canRefresh: false,
      ...rules,
    });
  }

  get status(): ConnectionStatus {
    return statusOf(this.machine);
  }

  get state(): ConnectionStatus["state"] {
    return this.status.state;
  }

  /** Milliseconds until this timer rings; undefined where it was not asked for. */
  waits(timer: Timer): number | undefined {
    const at = this.timers.get(timer);
    return at === undefined ? undefined : at - this.now;
  }

  take(...inputs: readonly Input[]): this {
    for (const input of inputs) {
      const { machine, effects } = step(this.machine, input, { now: this.now, random: this.random });
      this.machine = machine;
      this.effects = effects;
      for (const effect of effects) this.#do(effect);
    }
    return this;
  }

  /** From the start, or from waiting, to `welcome`. */
  greet(token?: string): this {
    if (this.machine.phase === "waiting") this.take({ type: "retry" });
    return this.take({ type: "token", token }, { type: "message", message: { ...WELCOME, serverTime: this.now } });
  }

  live(token?: string): this {
    return this.greet(token).take({ type: "caughtUp" });
  }

  /** The link ends; with `opened: false` it never was. */
  lose(end: { readonly opened: boolean; readonly code?: string; readonly retryAfterMs?: number } = { opened: true }): this {
    return this.take({ type: "lost", end, heardAt: this.now });
  }

  /** An attempt that opens nothing. */
  fail(): this {
    return this.take({ type: "retry" }, { type: "token", token: undefined }).lose({ opened: false });
  }

  #do(effect: Effect): void {
    if (effect.do === "wait") this.timers.set(effect.timer, this.now + effect.ms);
    else if (effect.do === "cancel") this.timers.delete(effect.timer);
    else if (effect.do === "open") this.isLinkOpen = true;
    else if (effect.do === "drop") this.isLinkOpen = false;
  }
}
