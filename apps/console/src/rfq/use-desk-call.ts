/** One call of the desk at a time, and what it said last. */
import { useCallback, useRef, useState } from "react";
import { DeskRefusal } from "./desk.ts";

export interface DeskCall {
  readonly isBusy: boolean;
  /** Why the last call was refused; gone with the next call. */
  readonly refusal: string | undefined;
  /** Starts a call, unless another one runs. */
  readonly run: (call: () => Promise<void>) => void;
}

export function useDeskCall(): DeskCall {
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<string>();
  // Beside the state: two clicks may come before one repaint.
  const runs = useRef(false);
  const run = useCallback((call: () => Promise<void>) => {
    if (runs.current) return;
    runs.current = true;
    setBusy(true);
    setRefusal(undefined);
    void call()
      .catch((error: unknown) => {
        if (!(error instanceof DeskRefusal)) throw error;
        setRefusal(error.message);
      })
      .finally(() => {
        runs.current = false;
        setBusy(false);
      });
  }, []);
  return { isBusy, refusal, run };
}
