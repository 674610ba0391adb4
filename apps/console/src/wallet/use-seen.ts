/** Notices that somebody could read an element. */
import { type RefObject, useEffect, useRef } from "react";

/** So long it is on the screen, in a window that is shown, before it counts as seen. */
const READ_MS = 1000;

/** Calls back once for each `what` that was on the screen for a second; not at all while it is undefined. */
export function useSeen(element: RefObject<Element | null>, what: string | undefined, onSeen: () => void): void {
  const callback = useRef(onSeen);
  useEffect(() => {
    callback.current = onSeen;
  });
  useEffect(() => {
    const { current } = element;
    if (what === undefined || current === null) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    // Says nothing while the window is hidden.
    const observer = new IntersectionObserver((entries) => {
      clearTimeout(timer);
      if (entries.at(-1)?.isIntersecting === true) timer = setTimeout(() => callback.current(), READ_MS);
    });
    observer.observe(current);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
    };
  }, [element, what]);
}
