/** What each route of the HTTP API does, by method and path as they are served. */
import { CLIENTS } from "./clients.ts";
import { DEMO } from "./demo.ts";
import { EVENTS } from "./events.ts";
import type { Operations } from "./operation.ts";
import { OPERATORS } from "./operators.ts";
import { PROCESS } from "./process.ts";
import { STREAMS } from "./streams.ts";

export const OPERATIONS: Operations = { ...EVENTS, ...CLIENTS, ...STREAMS, ...OPERATORS, ...PROCESS, ...DEMO };
