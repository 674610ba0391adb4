/** Chromium's own EventSource, on a page, as a test sees it. */
import type { Page } from "playwright-core";
import { type ReadEvent, STREAM_EVENTS } from "../contract/sse-peers/read-events.ts";

export interface PageSource {
  /** What its listeners have heard so far. */
  heard(): Promise<readonly ReadEvent[]>;
  /** 0: connecting, 1: open, 2: closed for good. */
  readyState(): Promise<number>;
}

interface Kept {
  readonly source: EventSource;
  readonly heard: ReadEvent[];
}

/** Where the page keeps its sources. */
interface Keeper {
  sources?: Kept[];
}

export async function openPageSource(page: Page, url: string, withCredentials = false): Promise<PageSource> {
  const at = await page.evaluate(
    ([to, credentials, types]) => {
      const { sources } = Object.assign(globalThis as Keeper, { sources: (globalThis as Keeper).sources ?? [] });
      const source = new EventSource(to, { withCredentials: credentials });
      const heard: ReadEvent[] = [];
      for (const name of types) {
        source.addEventListener(name, ({ type, data, lastEventId }: MessageEvent<string>) => heard.push({ type, data, lastEventId }));
      }
      return sources.push({ source, heard }) - 1;
    },
    [url, withCredentials, STREAM_EVENTS] as const,
  );
  return {
    heard: () => page.evaluate((which) => (globalThis as Keeper).sources?.[which]?.heard ?? [], at),
    readyState: () => page.evaluate((which) => (globalThis as Keeper).sources?.[which]?.source.readyState ?? -1, at),
  };
}
