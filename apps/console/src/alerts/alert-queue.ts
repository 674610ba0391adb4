/** Fraud alerts that wait for a person: each is acknowledged when somebody says so, and not before. */
import type { FeedCallbacks } from "@broadtape/client/transactions";
import { Value } from "../wallet/value.ts";

export type FraudMessage = Parameters<FeedCallbacks["fraud"]>[0];

export interface WaitingAlert {
  readonly message: FraudMessage;
  readonly acknowledge: () => void;
}

export class AlertQueue {
  /** Oldest first. Bounded by the server's window: more do not come without acks. */
  readonly waiting = new Value<readonly WaitingAlert[]>([]);

  /** For the client to call: resolves when somebody has acknowledged the alert. */
  readonly take = (message: FraudMessage): Promise<void> =>
    new Promise((resolve) => {
      const alert: WaitingAlert = {
        message,
        acknowledge: () => {
          this.waiting.set(this.waiting.get().filter((each) => each !== alert));
          resolve();
        },
      };
      this.waiting.set([...this.waiting.get(), alert]);
    });
}
