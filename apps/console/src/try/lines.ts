/** What the page does, as lines for a shell, the command line and a program. They read the token from `BROADTAPE_TOKEN`. */

export const LANGUAGES = ["curl", "TypeScript", "CLI"] as const;
export type Language = (typeof LANGUAGES)[number];
export type Lines = Readonly<Record<Language, string>>;

/** @param event JSON text of one event: it stands in the lines as it is, digit for digit */
export function publishLines(url: string, event: string): Lines {
  const data = lineOf(event);
  return {
    curl: [
      `curl -sS ${quoted(`${url}/api/v1/events`)} \\`,
      `  -H "Authorization: Bearer $BROADTAPE_TOKEN" -H 'Content-Type: application/json' \\`,
      `  --data-raw ${quoted(data)}`,
    ].join("\n"),
    TypeScript: [
      `const answer = await fetch(${JSON.stringify(`${url}/api/v1/events`)}, {`,
      `  method: "POST",`,
      `  headers: { authorization: \`Bearer \${process.env["BROADTAPE_TOKEN"]}\`, "content-type": "application/json" },`,
      `  // Text, so that every digit stays as it is.`,
      `  body: ${JSON.stringify(data)},`,
      `});`,
      `console.log(answer.status, await answer.text());`,
    ].join("\n"),
    CLI: `printf '%s\\n' ${quoted(data)} |\n  npx broadtape publish - --url ${quoted(url)}`,
  };
}

export interface Follow {
  readonly topics: readonly string[];
  /** A cursor to begin after, instead of with the state. */
  readonly after: string | undefined;
}

export function followLines(url: string, { topics, after }: Follow): Lines {
  const query = `topics=${topics.map(encodeURIComponent).join(",")}${after === undefined ? "" : `&after=${encodeURIComponent(after)}`}`;
  const options = after === undefined ? "" : `, { after: ${JSON.stringify(after)} }`;
  return {
    curl: [
      `curl -sS -N ${quoted(`${url}/api/v1/stream?${query}`)} \\`,
      `  -H 'Accept: text/event-stream' -H "Authorization: Bearer $BROADTAPE_TOKEN"`,
    ].join("\n"),
    TypeScript: [
      `import { Broadtape } from "@broadtape/client";`,
      ``,
      `const tape = new Broadtape({ url: ${JSON.stringify(url)}, token: process.env["BROADTAPE_TOKEN"] ?? "" });`,
      `for (const topic of ${JSON.stringify(topics)}) {`,
      `  tape.follow(topic, {`,
      `    onSnapshot: (state) => console.log(topic, state),`,
      `    onEvent: ({ event, data }) => console.log(topic, event, data),`,
      `  }${options});`,
      `}`,
    ].join("\n"),
    CLI: `npx broadtape tail ${topics.map(quoted).join(" ")} --url ${quoted(url)}${after === undefined ? "" : ` --after ${quoted(after)}`}`,
  };
}

/** The line that the others need first. */
export function tokenLine(token: string): string {
  return `export BROADTAPE_TOKEN=${quoted(token)}`;
}

/** JSON text on one line: line breaks stand between its tokens alone. */
function lineOf(json: string): string {
  return json.replace(/\s*[\r\n]\s*/g, " ").trim();
}

/** One word of a POSIX shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
