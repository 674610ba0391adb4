/**
 * `me` in a topic's name: the server tells such a topic under the user's own id. Who that is, is known from the token, or
 * learned from the first name that nobody asked for.
 */
import { kindOf } from "./folds.ts";
import type { Topic } from "./topic.ts";

export class Aliases {
  /** The user's id, once known. */
  user: string | undefined;

  /** The other name of the same topic. */
  aliasOf(name: string): string | undefined {
    if (this.user === undefined) return undefined;
    const kind = kindOf(name);
    if (name === `${kind}:me`) return `${kind}:${this.user}`;
    return name === `${kind}:${this.user}` ? `${kind}:me` : undefined;
  }

  /** The topics to which something that the server tells under this name belongs. */
  topicsOf(name: string, topics: ReadonlyMap<string, Topic>): Topic[] {
    const found: Topic[] = [];
    const exact = topics.get(name);
    if (exact !== undefined) found.push(exact);
    for (const topic of topics.values()) if (topic.pattern?.test(name) === true) found.push(topic);
    const mine = topics.get(`${kindOf(name)}:me`);
    if (mine === undefined || mine === exact) return found;
    if (this.user === undefined && found.length === 0) this.user = name.slice(name.indexOf(":") + 1);
    if (this.aliasOf(name) === mine.name) found.push(mine);
    return found;
  }
}
