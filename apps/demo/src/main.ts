/** The demo: plays recorded data into a server over its public API, like any service would. Started by `broadtape serve` in demo mode. */
import { setTimeout as wait } from "node:timers/promises";
import { playMarket } from "./market.ts";
import { Publisher } from "./publisher.ts";

const url = required("BROADTAPE_URL");
const token = required("BROADTAPE_TOKEN");
const speed = Number(process.env["DEMO_SPEED"] ?? "1");
if (!(speed > 0)) throw new Error("DEMO_SPEED: must be a number above 0");

let isStopped = false;
const stop = () => {
  isStopped = true;
  setImmediate(() => process.exit(0));
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
// The server that started this is gone, however it went.
process.on("disconnect", stop);

const say = (message: string) => {
  console.error(`demo: ${message}`);
};
const sleep = async (ms: number) => {
  await wait(ms);
};
const stopped = () => isStopped;
const publisher = new Publisher({ url, token, fetch, wait: sleep, random: Math.random, isStopped: stopped, onTrouble: say });
const scenes = [playMarket({ speed, clock: { now: Date.now, wait: sleep }, publisher, isStopped: stopped, say })];
await Promise.all(scenes);

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name}: required`);
  return value;
}
