/** A connection that was greeted, and what the client says on it. */
import type { WelcomeMessage } from "@broadtape/protocol/native";
import { Broadtape } from "../src/broadtape.ts";
import { FakeEnvironment, WELCOME, settled } from "./fake-environment.ts";

export async function connected(limits: Partial<WelcomeMessage["limits"]> = {}, token?: string) {
  const environment = new FakeEnvironment();
  const tape = new Broadtape({ url: "http://test", environment, token });
  const welcome = async () => {
    await settled();
    environment.link.welcome({ limits: { ...WELCOME.limits, ...limits } });
    await settled();
  };
  await welcome();
  const follow = (topic: string, maxUpdatesPerSecond?: number) => tape.follow<string>(topic, {}, { maxUpdatesPerSecond });
  /** What was said on the newest link: by topics, without ids. */
  const said = () => environment.link.sent.filter(({ type }) => type !== "pong");
  return { environment, tape, welcome, follow, said };
}
