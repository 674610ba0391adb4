import { describe, expect, it } from "vitest";
import { FakeEnvironment, settled } from "../testing/fake-environment.ts";
import { Broadtape } from "./broadtape.ts";
import type { WorkerMessage } from "./shared-link.ts";
import { SharedTab, type TabPort, type TabSource } from "./shared-tab.ts";
import { TabTokens } from "./shared-tokens.ts";

function setUp(tabCount: number) {
  const environment = new FakeEnvironment();
  const tokens = new TabTokens(environment);
  const asked: WorkerMessage[] = [];
  // Tabs that follow nothing.
  const tape = new Broadtape({ url: "http://test", environment: new FakeEnvironment() });
  const source: TabSource = { follow: (topic) => tape.follow<string>(topic, {}), ack: () => undefined, cursor: () => undefined };
  const port: TabPort = { postMessage: (message) => asked.push(message), close: () => undefined, onmessage: null };
  const tabs = new Set(Array.from({ length: tabCount }, () => new SharedTab(port, source)));
  return { environment, tokens, asked, tabs };
}

describe("a token for the worker", () => {
  it("is the one that a tab brought along a moment ago, once", async () => {
    const { tokens, asked, tabs } = setUp(1);
    tokens.bring("brought");
    expect(await tokens.fresh(tabs)).toBe("brought");
    void tokens.fresh(tabs).catch(() => undefined);
    expect(asked).toEqual([{ type: "tokenWanted", id: 1 }]);
  });

  it("is not one that was brought along and has aged since", async () => {
    const { environment, tokens, asked, tabs } = setUp(1);
    tokens.bring("brought");
    await environment.pass(5000);
    const fresh = tokens.fresh(tabs);
    expect(asked).toEqual([{ type: "tokenWanted", id: 1 }]);
    tokens.take(1, "fetched");
    expect(await fresh).toBe("fetched");
  });

  it("is the first of all tabs' answers", async () => {
    const { environment, tokens, asked, tabs } = setUp(3);
    const fresh = tokens.fresh(tabs);
    expect(asked).toHaveLength(3);
    tokens.take(1, undefined);
    tokens.take(7, "of nobody's question");
    tokens.take(1, "second");
    tokens.take(1, "third");
    expect(await fresh).toBe("second");
    expect(environment.alarms).toBe(0);
  });

  it("is missing when every tab says so, and when none says anything in time", async () => {
    const { environment, tokens, tabs } = setUp(2);
    const none = tokens.fresh(tabs);
    tokens.take(1, undefined);
    tokens.take(1, undefined);
    await expect(none).rejects.toThrow("no tab has a token");
    let isOver = false;
    const late = tokens.fresh(tabs).catch(() => (isOver = true));
    await environment.pass(9999);
    expect(isOver).toBe(false);
    await environment.pass(1);
    await late;
    expect(isOver).toBe(true);
    tokens.take(2, "too late");
    await settled();
    expect(environment.alarms).toBe(0);
  });
});
