/** What an element of a page says over time. */
import type { JSHandle, Page } from "playwright-core";

/** Every text that the element has from now on, in order: of what stands for a moment alone, asking again and again sees nothing. */
export async function textsOf(page: Page, selector: string): Promise<() => Promise<readonly string[]>> {
  const texts: JSHandle<string[]> = await page.evaluateHandle((own) => {
    const seen: string[] = [];
    const look = () => {
      const text = document.querySelector(own)?.textContent;
      if (text !== undefined && text !== seen.at(-1)) seen.push(text);
    };
    look();
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
    return seen;
  }, selector);
  return () => texts.jsonValue();
}
