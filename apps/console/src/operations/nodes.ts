/** Of all nodes or of one: how paths say it, and what an answer says is missing in it. */

/** `node`: an id; empty for all. */
export function ofNode(path: string, node: string): string {
  return node === "" ? path : `${path}${path.includes("?") ? "&" : "?"}node=${encodeURIComponent(node)}`;
}

/** Names of the nodes that did not answer, where the answer names some. */
export function missingIn(answer: unknown): readonly string[] {
  if (typeof answer !== "object" || answer === null) return [];
  const unanswered: unknown = Reflect.get(answer, "unanswered");
  if (!Array.isArray(unanswered)) return [];
  return unanswered.flatMap((node: unknown) => {
    const name: unknown = typeof node === "object" && node !== null ? Reflect.get(node, "name") : undefined;
    return typeof name === "string" ? [name] : [];
  });
}
