/** A database of the shared cluster. */
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { inject } from "vitest";
import { query } from "./postgres.ts";

let databases = 0;

/** An empty one; returns its URL. It goes with the cluster. */
export async function newDatabase(): Promise<string> {
  const answer = await text(connect(inject("postgres")));
  if (!/^\d+$/.test(answer)) throw new Error(answer);
  const name = `test_${process.pid}_${++databases}`;
  await query(`postgres://postgres@127.0.0.1:${answer}/postgres`, `create database ${name}`);
  return `postgres://postgres@127.0.0.1:${answer}/${name}`;
}
