/** `@broadtape/server`: start it, publish in process, declare products. */
export { type RunningServer, type ServerOptions, startServer } from "./compose.ts";
export { BadConfig, type Config, readConfig } from "./config.ts";
export type { Publisher } from "./engine/validate.ts";
export { BadEvents } from "./engine/validate.ts";
export { DEMO_USERS, type DemoUser } from "./transports/http/console.ts";
export type { ConflatedTelling, DomainEvent, Due, Entry, Fault, Product, States, Telling, TopicKind, View } from "./engine/product.ts";
