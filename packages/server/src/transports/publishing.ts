/** What every door for publishers does the same: the right to publish, and what bodies hold (contract 00-common "Publishing"). */
import { Refusal } from "@broadtape/protocol/errors";
import type { PublishAnswer } from "@broadtape/protocol/event";
import type { Identity } from "@broadtape/protocol/identity";
import type { Engine } from "../engine/engine.ts";
import { parseText, textOf } from "./body.ts";

export const EVENT_TYPES = [
  "application/json",
  "application/cloudevents+json",
  "application/cloudevents-batch+json",
  "application/x-ndjson",
] as const;

/** `type/subtype` of a content type, without parameters. */
export function essenceOf(contentType: string): string {
  return contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

export function checkRight({ permissions }: Identity): void {
  if (permissions.has("events:publish") || permissions.has("events:publish:any")) return;
  throw new Refusal("FORBIDDEN", "publishing needs the permission events:publish");
}

/** Unchecked; `body` in the form that one of {@link EVENT_TYPES} names. */
export function parseEvents(contentType: string, body: unknown): readonly unknown[] {
  const text = textOf(body);
  const type = essenceOf(contentType);
  if (type === "application/x-ndjson") return parseLines(text);
  const value = parseText(text);
  if (type === "application/cloudevents-batch+json") return Array.isArray(value) ? value : [undefined];
  if (type === "application/cloudevents+json") return [value];
  return Array.isArray(value) ? value : [value];
}

/** As this publisher; resolves when they are durable. */
export function publishAs(
  engine: Pick<Engine, "publish">,
  { userId, tenant, permissions }: Identity,
  correlationId: string,
  events: readonly unknown[],
): Promise<PublishAnswer> {
  return engine.publish(events, { userId, tenant, anyTenant: permissions.has("events:publish:any"), correlationId });
}

function parseLines(text: string): unknown[] {
  return text.split(/\r?\n/).flatMap((line, index) => (line.trim() === "" ? [] : [parseText(line, `line ${index + 1} is not JSON`)]));
}
