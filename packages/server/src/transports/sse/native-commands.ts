/**
 * Commands that clients of the native protocol post beside their event stream (contract 60-native). Whichever node they reach, the one
 * that has the stream carries them out: a proxy that does not know where that is (deploy/nginx/broadtape.conf does) costs a detour.
 */
import type { Identity } from "@broadtape/protocol/identity";
import type { Engine } from "../../engine/engine.ts";
import type { Session } from "../../engine/session.ts";
import type { NativeCommands } from "../../native/commands.ts";
import { nodeNameOf } from "../node-id.ts";

/** What became of a post: `silent` where the node that has the stream did not answer in time. */
export type Outcome = "done" | "unknown" | "silent";

/** As nodes hand it on. */
interface Post {
  readonly connectionId: string;
  readonly tenant: string;
  readonly userId: string;
  readonly text: string;
}

const KIND = "stream-commands";

export class PostedCommands {
  readonly #engine: Engine;
  /** By connection id; those of this node. */
  readonly #streams = new Map<string, NativeCommands>();

  constructor(engine: Engine) {
    this.#engine = engine;
    // What another node of this release wrote.
    engine.cluster.onAsked(KIND, async (body) => this.#carryOut(JSON.parse(body) as Post));
  }

  opened({ id }: Session, commands: NativeCommands): void {
    this.#streams.set(id, commands);
  }

  closed({ id }: Session): void {
    this.#streams.delete(id);
  }

  /** Resolves when they are carried out; `unknown` where this user has no such stream. */
  async receive({ tenant, userId }: Identity, connectionId: string, text: string): Promise<Outcome> {
    const { cluster } = this.#engine;
    const post: Post = { connectionId, tenant, userId, text };
    const name = nodeNameOf(connectionId);
    const other = name === cluster.self.name ? undefined : cluster.others().find((node) => node.name === name);
    if (other === undefined) return this.#carryOut(post);
    const [answer] = await cluster.ask(KIND, JSON.stringify(post), { to: other.id });
    if (answer === undefined) return "silent";
    return answer.body === "done" ? "done" : "unknown";
  }

  async #carryOut({ connectionId, tenant, userId, text }: Post): Promise<"done" | "unknown"> {
    const commands = this.#streams.get(connectionId);
    const identity = this.#engine.sessions.get(connectionId)?.identity;
    if (commands === undefined || identity?.userId !== userId || identity.tenant !== tenant) return "unknown";
    for (const message of messagesOf(text)) await commands.receive(message);
    return "done";
  }
}

/** One message or an array of them; what is no JSON is answered on the stream like any bad message. */
function messagesOf(text: string): string[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.map((each) => JSON.stringify(each)) : [text];
  } catch {
    return [text];
  }
}
