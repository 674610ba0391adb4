import { describe, expect, it } from "vitest";
import { type Alerts, MAX_ALERTS, foldAlerts } from "./alerts.ts";

const time = "2026-11-21T10:00:00+01:00";
const alert = (alertId: string) => ({ userId: "ann", alertId, level: "info" as const, message: alertId });
const fold = (...ids: readonly string[]) => ids.reduce<Alerts | undefined>((state, id) => foldAlerts(state, alert(id), time), undefined);

describe("a user's alerts", () => {
  it("stand once each, the newest last, with times in UTC", () => {
    const state = fold("a", "b", "a");
    expect(state?.alerts.map(({ alertId }) => alertId)).toEqual(["b", "a"]);
    expect(state?.alerts[0]?.timestamp).toBe("2026-11-21T09:00:00.000Z");
  });

  it("stay as many as are kept, the newest ones", () => {
    const state = fold(...Array.from({ length: MAX_ALERTS + 5 }, (_, index) => `a${index}`));
    expect(state?.alerts.length).toBe(MAX_ALERTS);
    expect(state?.alerts[0]?.alertId).toBe("a5");
  });
});
