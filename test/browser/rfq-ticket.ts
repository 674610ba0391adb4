/**
 * Quotes of the demo's desk, asked for and dealt at as by a person, who tries again: the desk refuses while its prices are late, a provider may
 * withdraw at the very moment, and what is clicked before the page has heard of the answer before does nothing.
 */
import type { Locator, Page, Response } from "playwright-core";
import { expect } from "vitest";
import { until } from "../until.ts";

export interface RfqTicket {
  /** Has quotes asked for by `press`, until the desk deals; resolves with its answer. */
  asked(press: () => Promise<void>): Promise<Response>;
  /** Does this until the desk says that the outcome is such, and resolves with what it says. */
  untilOutcome(text: RegExp, press: () => Promise<void>): Promise<string>;
  readonly requestQuotes: Locator;
  readonly acceptBest: Locator;
}

export function rfqTicket(page: Page): RfqTicket {
  const button = (name: string) => page.getByRole("region", { name: "RFQ", exact: true }).getByRole("button", { name });
  const outcome = page.getByRole("region", { name: "Quotes", exact: true }).getByRole("status", { name: "Outcome" });
  const requestQuotes = button("Request quotes");
  return {
    requestQuotes,
    acceptBest: button("Accept best"),
    asked: (press) =>
      until(async () => {
        await until(() => requestQuotes.isEnabled());
        const answered = page.waitForResponse((response) => response.url().endsWith("/api/demo/rfqs"));
        await press();
        const response = await answered;
        expect([201, 503]).toContain(response.status());
        return response.status() === 201 && response;
      }),
    untilOutcome: (text, press) =>
      until(
        async () => {
          const [said] = await outcome.filter({ hasText: text }).allInnerTexts();
          if (said === undefined) await press();
          return said;
        },
        () => `no outcome like ${text.source}`,
      ),
  };
}

/** Clicks it where it can be clicked at this moment. */
export const clickNow = (button: Locator) => button.click({ force: true });
