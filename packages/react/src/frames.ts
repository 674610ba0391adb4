/** At most one repaint a frame for all stores together, however many events come. */

const waiting = new Set<() => void>();
let isScheduled = false;

/** Runs `run` before the next frame, once; later calls with the same function in the same frame add nothing. */
export function inNextFrame(run: () => void): () => void {
  waiting.add(run);
  if (!isScheduled) {
    isScheduled = true;
    schedule(flush);
  }
  return () => {
    waiting.delete(run);
  };
}

function flush(): void {
  isScheduled = false;
  const due = [...waiting];
  waiting.clear();
  for (const run of due) run();
}

/** A hidden page has no frames; a timer goes on, so that it is up to date when it is shown again. */
function schedule(run: () => void): void {
  let isDone = false;
  const once = () => {
    if (isDone) return;
    isDone = true;
    clearTimeout(timer);
    run();
  };
  const timer = setTimeout(once, typeof requestAnimationFrame === "function" ? 100 : 16);
  if (typeof requestAnimationFrame === "function") requestAnimationFrame(once);
}
