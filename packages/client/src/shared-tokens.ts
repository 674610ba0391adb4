/** Tokens for the shared worker's connections: a worker cannot fetch them itself, its tabs can. */
import type { Environment } from "./environment.ts";
import type { SharedTab } from "./shared-tab.ts";

const TOKEN_MS = 10_000;
/** A token that a tab brought along is as good as fresh for so long, and for one attempt. */
const BROUGHT_MS = 5000;

export class TabTokens {
  /** What the newest tab brought along, fetched when it came. */
  #brought: string | undefined;
  #broughtAt = 0;
  readonly #environment: Environment;
  readonly #wanted = new Map<number, (token: string | undefined) => void>();
  #last = 0;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  get brought(): string | undefined {
    return this.#brought;
  }

  bring(token: string | undefined): void {
    this.#brought = token;
    this.#broughtAt = this.#environment.now();
  }

  /** A tab's answer; without a token it has none. */
  take(id: number, token: string | undefined): void {
    this.#wanted.get(id)?.(token);
  }

  /** The first that any of these tabs gives; rejects when none does in time. */
  fresh(tabs: ReadonlySet<SharedTab>): Promise<string> {
    const brought = this.#brought;
    this.#brought = undefined;
    if (brought !== undefined && this.#environment.now() - this.#broughtAt < BROUGHT_MS) return Promise.resolve(brought);
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      let unheard = tabs.size;
      const end = () => {
        cancel();
        this.#wanted.delete(id);
      };
      const fail = () => {
        end();
        reject(new Error("no tab has a token"));
      };
      const cancel = this.#environment.after(TOKEN_MS, fail);
      this.#wanted.set(id, (token) => {
        unheard -= 1;
        if (token !== undefined) {
          end();
          resolve(token);
        } else if (unheard <= 0) {
          fail();
        }
      });
      for (const tab of tabs) tab.say({ type: "tokenWanted", id });
    });
  }
}
