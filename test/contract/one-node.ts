/** Tests of what is of one node alone: left out where a cluster stands for the server. */
import { it } from "vitest";

/** `why` it says nothing about several. */
export function onOneNode(why: string): typeof it | (() => undefined) {
  if (why === "") throw new Error("a test is left out for a reason");
  return process.env["TEST_CLUSTER"] === undefined ? it : () => undefined;
}
