/**
 * Renders a chart as `helm template` would, with the part of Go's template language and of Helm's functions that our chart uses: helm itself is
 * not among what the tests have. What it does not know, it refuses.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** As `fail` and `required` say it. */
export class ChartRefusal extends Error {
  override readonly name = "ChartRefusal";
}

interface Block {
  readonly kind: "if" | "range" | "define";
  /** An `if` has one for each condition; `else` is a last one without. */
  readonly branches: { readonly head: string | undefined; readonly body: Piece[] }[];
}
type Piece = string | { readonly expression: string } | Block;
type Values = Readonly<Record<string, unknown>>;
/** `$` is the root, `.` what is looked at. */
type Scope = Values & { readonly $: unknown; readonly ".": unknown };

/** The text of each file of `templates/`, by its name; files that only define are empty. */
export function renderChart(folder: string, values: Values, chart: Values, release: Values): ReadonlyMap<string, string> {
  const templates = join(folder, "templates");
  const files = readdirSync(templates).map((name) => ({ name, nodes: parse(readFileSync(join(templates, name), "utf8")) }));
  const named = new Map<string, Piece[]>();
  for (const node of files.flatMap(({ nodes }) => nodes)) {
    if (typeof node === "object" && "kind" in node && node.kind === "define")
      for (const { head, body } of node.branches) named.set(String(JSON.parse(head ?? "")), body);
  }
  const root = { Values: values, Chart: chart, Release: release };
  const rendering = new Rendering(named);
  return new Map(files.map(({ name, nodes }) => [name, rendering.text(nodes, { $: root, ".": root })]));
}

function parse(source: string): Piece[] {
  const top: Piece[] = [];
  const open: Block[] = [];
  const add = (node: Piece) => (open.at(-1)?.branches.at(-1)?.body ?? top).push(node);
  const parts = source
    .replace(/\s*\{\{- /g, "{{ ")
    .replace(/ -\}\}\s*/g, " }}")
    .split(/\{\{(.*?)\}\}/s);
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 0) {
      add(part);
      continue;
    }
    const [, word = "", rest = ""] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(part) ?? [];
    if (word.startsWith("/*")) continue;
    if (word === "if" || word === "range" || word === "define") {
      const block: Block = { kind: word, branches: [{ head: rest, body: [] }] };
      add(block);
      open.push(block);
    } else if (word === "else") {
      innermost(open, part).branches.push({ head: rest === "" ? undefined : rest.replace(/^if /, ""), body: [] });
    } else if (word === "end") {
      innermost(open, part);
      open.pop();
    } else add({ expression: part.trim() });
  }
  if (open.length > 0) throw new Error(`a block does not end: ${open[0]?.branches[0]?.head ?? ""}`);
  return top;
}

function innermost(open: readonly Block[], part: string): Block {
  const block = open.at(-1);
  if (block === undefined) throw new Error(`no block is open at ${part}`);
  return block;
}

class Rendering {
  readonly #named: ReadonlyMap<string, Piece[]>;

  constructor(named: ReadonlyMap<string, Piece[]>) {
    this.#named = named;
  }

  text(nodes: readonly Piece[], scope: Scope): string {
    return nodes.map((node) => this.#one(node, scope)).join("");
  }

  #one(node: Piece, scope: Scope): string {
    if (typeof node === "string") return node;
    if ("expression" in node) return textOf(this.#value(node.expression, scope));
    const [first] = node.branches;
    if (node.kind === "define" || first === undefined) return "";
    if (node.kind === "if") {
      const taken = node.branches.find(({ head }) => head === undefined || isTrue(this.#value(head, scope)));
      return taken === undefined ? "" : this.text(taken.body, scope);
    }
    const [, key = "", value = "", over = ""] = /^(\$\w+), (\$\w+) := (.+)$/.exec(first.head ?? "") ?? [];
    const entries = Object.entries(recordOf(this.#value(over, scope))).sort(([a], [b]) => (a < b ? -1 : 1));
    return entries.map(([name, each]) => this.text(first.body, { ...scope, ".": each, [key]: name, [value]: each })).join("");
  }

  /** A pipeline: what a step gives is the last argument of the next. */
  #value(pipeline: string, scope: Scope): unknown {
    const tokens = pipeline.match(/"(?:[^"\\]|\\.)*"|[()|]|[^\s()|]+/g) ?? [];
    let at = 0;
    const pipe = (): unknown => {
      let piped: unknown[] = [];
      for (;;) {
        const words: unknown[] = [];
        const called = /^[a-z]\w*$/i.test(tokens[at] ?? "") ? tokens[at++] : undefined;
        while (at < tokens.length && tokens[at] !== "|" && tokens[at] !== ")") words.push(term());
        const given = [...words, ...piped];
        piped = [called === undefined ? given[0] : this.#call(called, given)];
        if (tokens[at] !== "|") return piped[0];
        at += 1;
      }
    };
    const term = (): unknown => {
      const token = tokens[at++] ?? "";
      if (token === "(") {
        const value = pipe();
        at += 1;
        return value;
      }
      if (token.startsWith('"')) return JSON.parse(token);
      if (/^\d+$/.test(token)) return Number(token);
      return pathOf(token, scope);
    };
    return pipe();
  }

  #call(name: string, given: readonly unknown[]): unknown {
    const [first, second] = given;
    if (name === "include") {
      const body = this.#named.get(String(first));
      if (body === undefined) throw new Error(`nothing is named ${String(first)}`);
      return this.text(body, { $: second, ".": second });
    }
    const called = FUNCTIONS[name];
    if (called === undefined) throw new Error(`the test's renderer does not know ${name}`);
    return called(...given);
  }
}

const FUNCTIONS: Readonly<Record<string, (...given: unknown[]) => unknown>> = {
  add: (...given) => given.reduce<number>((sum, each) => sum + Number(each), 0),
  and: (...given) =>
    given[
      lastUnless(
        given.findIndex((each) => !isTrue(each)),
        given,
      )
    ],
  contains: (part, whole) => textOf(whole).includes(textOf(part)),
  default: (otherwise, given) => (isTrue(given) ? given : otherwise),
  fail: refuse,
  gt: (a, b) => Number(a) > Number(b),
  int: (given) => Math.trunc(Number(given)),
  nindent: (spaces, text) => `\n${textOf(text)}`.replaceAll("\n", `\n${" ".repeat(Number(spaces))}`),
  not: (given) => !isTrue(given),
  or: (...given) => given[lastUnless(given.findIndex(isTrue), given)],
  printf: (format, ...given) => given.reduce<string>((text, each) => text.replace("%s", textOf(each)), textOf(format)),
  quote: (given) => JSON.stringify(textOf(given)),
  required: (message, given) => (given === undefined || given === "" ? refuse(message) : given),
  // YAML in one line, which JSON is.
  toYaml: (given) => JSON.stringify(given),
  trimSuffix: (suffix, text) => (textOf(text).endsWith(textOf(suffix)) ? textOf(text).slice(0, -textOf(suffix).length) : text),
  trunc: (length, text) => textOf(text).slice(0, Number(length)),
};

const lastUnless = (found: number, given: readonly unknown[]) => (found === -1 ? given.length - 1 : found);

function refuse(message: unknown): never {
  throw new ChartRefusal(textOf(message));
}

/** What is not there is nothing, as in Helm. */
function pathOf(path: string, scope: Scope): unknown {
  if (path === "." || path === "$") return scope[path];
  const [start = "", ...names] = path.split(".");
  if (start !== "" && !(start in scope)) throw new Error(`${path} is not understood`);
  return names.reduce<unknown>((value, name) => recordOf(value)[name], scope[start === "" ? "." : start]);
}

function recordOf(value: unknown): Values {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** Go's truth: empty is false. */
function isTrue(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value === undefined) return "";
  throw new Error(`no text: ${JSON.stringify(value)}`);
}
