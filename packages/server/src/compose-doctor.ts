/** Part of the composition root: looks at what several nodes share, before one of them starts. */
export { examineDatabase } from "./log/postgres/examine.ts";
export { examineNats } from "./wire/nats/examine.ts";
