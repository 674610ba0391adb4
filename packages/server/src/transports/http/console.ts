/** The console's pages, and what the demo adds: signing in without a password, and a connection that breaks when asked to. */
import { existsSync } from "node:fs";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import { demoSignIn } from "@broadtape/protocol/rest";
import type { Gate } from "../gate.ts";

/** Addresses of the page's own parts: the desk is at `/`. The page itself tells them apart. */
const PARTS = ["/operations", "/try"] as const;

/** Serves the built page at `/` and at its parts' addresses; says what to do where it was not built. */
export async function servePages(app: FastifyInstance, folder: string): Promise<void> {
  if (!existsSync(folder)) {
    for (const address of ["/", ...PARTS]) {
      app.get(address, (_request, reply) =>
        reply.type("text/plain; charset=utf-8").send("Broadtape is running. The console was not built: npm run build\n"),
      );
    }
    return;
  }
  await app.register(fastifyStatic, { root: folder, cacheControl: false });
  for (const address of PARTS) app.get(address, (_request, reply) => reply.sendFile("index.html"));
}

export interface DemoUser {
  readonly userId: string;
  readonly tenantId: string;
  readonly name: string;
  /** What they may beyond what is their own. */
  readonly permissions: readonly string[];
}

/** Two tenants, so that their isolation can be seen side by side; who signs in without a choice is the first. */
export const DEMO_USERS: readonly DemoUser[] = [
  { userId: "ada", tenantId: "demo-bank", name: "Ada", permissions: [] },
  { userId: "ben", tenantId: "demo-bank", name: "Ben", permissions: [] },
  { userId: "mia", tenantId: "demo-bank", name: "Mia", permissions: ["trading:monitor", "rfq:read:tenant"] },
  { userId: "olga", tenantId: "demo-bank", name: "Olga", permissions: ["stream:admin", "events:publish"] },
  { userId: "cleo", tenantId: "demo-fund", name: "Cleo", permissions: [] },
  { userId: "dan", tenantId: "demo-fund", name: "Dan", permissions: ["trading:monitor", "rfq:read:tenant"] },
];

export interface DemoDesk {
  readonly gate: Gate;
  /** Breaks the connections of a user, on all nodes; returns how many. */
  readonly cut: (user: Identity) => Promise<number>;
  readonly users: readonly DemoUser[];
  issue(user: DemoUser): Promise<{ readonly token: string; readonly expiresAt: string }>;
}

/** `POST /api/demo/session {user?}`: a token of a demo user. `POST /api/demo/cut`: breaks its connections. Only in demo mode. */
export function serveDemo(app: FastifyInstance, desk: DemoDesk): void {
  app.get("/api/demo/users", () => ({ users: desk.users }));
  app.post("/api/demo/session", async (request) => {
    const text = Buffer.isBuffer(request.body) ? request.body.toString("utf8") : "{}";
    const body = demoSignIn.safeParse(parse(text));
    if (!body.success) throw new Refusal("BAD_REQUEST", "user must be the id of a demo user", { path: "user" });
    const user = body.data.user === undefined ? desk.users[0] : desk.users.find(({ userId }) => userId === body.data.user);
    if (user === undefined) throw new Refusal("BAD_REQUEST", "user must be the id of a demo user", { path: "user" });
    return { ...user, ...(await desk.issue(user)) };
  });
  app.post("/api/demo/cut", async (request) => {
    const connections = await desk.cut(await desk.gate.authenticate({ headers: request.headers }));
    return { connections };
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text === "" ? "{}" : text);
  } catch {
    return undefined;
  }
}
