/** Remembers how far a file has been published, so that a run that was cut short goes on there. */
import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { countOf, fieldOf, jsonOf, textOf } from "../json.ts";
import type { Line } from "./lines.ts";

export interface Position {
  /** Name of the published file. */
  readonly file: string;
  /** Number and offset of the newest line that is published. */
  readonly line: number;
  readonly start: number;
  /** SHA-256 of its text: another file, or one that was changed, is not taken for this one. */
  readonly hash: string;
}

/** Undefined where there is none yet. Throws an Error naming the file when it holds something else. */
export function readPosition(path: string, file: string): Position | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  const found = positionIn(jsonOf(text));
  if (found === undefined) throw new Error(`${path} is not a resume file`);
  if (found.file !== file) throw new Error(`${path} is the resume file of ${found.file}, not of ${file}`);
  return found;
}

function positionIn(json: unknown): Position | undefined {
  const file = textOf(fieldOf(json, "file"));
  const line = countOf(fieldOf(json, "line"));
  const start = countOf(fieldOf(json, "start"));
  const hash = textOf(fieldOf(json, "hash"));
  return file === undefined || line === undefined || start === undefined || hash === undefined ? undefined : { file, line, start, hash };
}

/** Replaces the file whole. */
export function writePosition(path: string, file: string, line: Line): void {
  const written: Position = { file, line: line.number, start: line.start, hash: hashOf(line) };
  writeFileSync(`${path}.new`, `${JSON.stringify(written)}\n`);
  renameSync(`${path}.new`, path);
}

/** Whether this is the line at which the position stands. */
export function standsAt({ line, hash }: Position, found: Line | undefined): boolean {
  return found?.number === line && hashOf(found) === hash;
}

function hashOf(line: Line): string {
  return createHash("sha256").update(line.text).digest("hex");
}
