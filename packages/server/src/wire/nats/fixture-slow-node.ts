/** A node in a process of its own, which the test can stop: says with a line each time what it has been told. */
import { openNatsWire } from "./nats-wire.ts";

const [url = ""] = process.argv.slice(2);
const wire = openNatsWire({ url }, { node: "slow", log: "log", epoch: 7 });
let heard = 0;
const say = () => console.log(JSON.stringify({ heard, wakes: wire.meter.wakes, reconnects: wire.meter.reconnects }));
wire.onWake(say);
wire.onBatch((batch) => {
  heard = batch.at(-1)?.offset ?? heard;
  say();
});
