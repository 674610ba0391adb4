/**
 * Answers of nodes of another release. Releases run beside each other while nodes are replaced, and their answers grow: a field that is new is not
 * in the older one's, and what the newer one tells besides is passed over. A field keeps its meaning for good; another meaning has
 * another name.
 */

/**
 * What was told, in the form of an answer of this release: what is missing in it is unknown, which is NaN for a number (`null` in JSON), no
 * elements for a list, and the word for a text. What it has besides stays.
 */
export function inFormOf<T>(form: T, told: unknown): T {
  // Every field of the form is there; what was told under its name means the same in every release.
  return filled(form, told) as T;
}

function filled(form: unknown, told: unknown): unknown {
  if (Array.isArray(form)) {
    if (!Array.isArray(told)) return [];
    const [element] = form as readonly unknown[];
    return element === undefined ? told : told.map((each: unknown) => filled(element, each));
  }
  if (isObject(form)) {
    const known = isObject(told) ? told : {};
    return { ...known, ...Object.fromEntries(Object.entries(form).map(([name, field]) => [name, filled(field, known[name])])) };
  }
  return told === undefined ? unknownLike(form) : told;
}

function unknownLike(form: unknown): unknown {
  if (typeof form === "number") return NaN;
  if (typeof form === "string") return "unknown";
  return typeof form === "boolean" ? false : null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** For a sum: what is not known adds nothing. */
export function known(number: number): number {
  return Number.isNaN(number) ? 0 : number;
}
