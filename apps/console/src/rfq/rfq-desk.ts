/** The RFQ that the desk's panels and keys are about, and what can be asked of the dealing desk. */
import { createContext, useContext, useState } from "react";
import { useTraderRfqs } from "@broadtape/react";
import type { DeskFeeds } from "../desk/desk-feeds.ts";
import type { DealSide, Ticket } from "./desk.ts";
import { useDeskCall } from "./use-desk-call.ts";

type Rfqs = ReturnType<typeof useTraderRfqs>;

export interface RfqDesk {
  /** Oldest first. */
  readonly rfqs: Rfqs;
  readonly selected: Rfqs[number] | undefined;
  /** It was asked for and is not known yet. */
  readonly isAwaited: boolean;
  readonly isBusy: boolean;
  readonly refusal: string | undefined;
  /** Which side of a two-way RFQ is dealt. */
  readonly chosenSide: DealSide;
  readonly chooseSide: (side: DealSide) => void;
  readonly select: (rfqId: string) => void;
  readonly request: (ticket: Ticket) => void;
  /** The best quote where none is named. */
  readonly accept: (quoteId?: string) => void;
  readonly cancel: () => void;
}

export const RfqDeskContext = createContext<RfqDesk | undefined>(undefined);

/** Throws outside of the desk. */
export function useRfqDesk(): RfqDesk {
  const rfqDesk = useContext(RfqDeskContext);
  if (rfqDesk === undefined) throw new Error("useRfqDesk needs the desk above it");
  return rfqDesk;
}

/** Asked by HTTP, told over the tape. */
export function useNewRfqDesk({ rfqs: client, desk }: Pick<DeskFeeds, "rfqs" | "desk">): RfqDesk {
  const rfqs = useTraderRfqs(client);
  const [chosenId, setChosenId] = useState<string>();
  const [chosenSide, chooseSide] = useState<DealSide>("buy");
  const { isBusy, refusal, run } = useDeskCall();
  // Until one is chosen, the newest.
  const selected = chosenId === undefined ? rfqs.at(-1) : rfqs.find(({ id }) => id === chosenId);
  return {
    rfqs,
    selected,
    isAwaited: chosenId !== undefined && selected === undefined,
    isBusy,
    refusal,
    chosenSide,
    chooseSide,
    select: setChosenId,
    request: (ticket) => run(async () => setChosenId(await desk.request(ticket))),
    accept: (quoteId) =>
      run(async () => {
        if (selected === undefined) return;
        const side = selected.side === "two-way" ? chosenSide : undefined;
        await desk.accept(selected.id, { quoteId, side });
      }),
    cancel: () => run(async () => (selected === undefined ? undefined : desk.cancel(selected.id))),
  };
}
