/**
 * Marks elements for a moment. By an attribute that one timer takes away again, not by an animation: while animations run,
 * a browser works out the style of each of them at every frame.
 */

const FLASH_MS = 300;
const SWEEP_MS = 100;

/** Until when each is marked. */
const marked = new Map<HTMLElement, number>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Sets `data-flash` on the element for a moment; again while it is set, it stays. */
export function flash(element: HTMLElement): void {
  if (!marked.has(element)) element.dataset["flash"] = "on";
  marked.set(element, performance.now() + FLASH_MS);
  timer ??= setInterval(sweep, SWEEP_MS);
}

function sweep(): void {
  const now = performance.now();
  for (const [element, until] of marked) {
    if (until > now) continue;
    delete element.dataset["flash"];
    marked.delete(element);
  }
  if (marked.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
