/** Where an event's whole way is shown: the operator's console, signed in as an operator of the same tenant. Demo mode only. */
import { useMemo } from "react";
import { nameOf } from "../operations/told-of.ts";
import { useDesk } from "../desk/desk-context.ts";
import { addressOf } from "../shell/route.ts";
import { useDemoUsers } from "../shell/sign-in-as.tsx";

/** Address of the way of the newest event that told of this id; undefined where nobody may look at it. */
export function useWay(kind: "orders" | "trades"): (id: string) => string | undefined {
  const { account, newestEvents } = useDesk();
  const users = useDemoUsers();
  const operator = users.find(({ tenantId, permissions }) => tenantId === account.tenantId && permissions?.includes("stream:admin"));
  return useMemo(() => {
    if (operator === undefined) return () => undefined;
    return (id: string) => {
      // What came with a snapshot names no event: the console finds it.
      const event = newestEvents.of(id) ?? nameOf(kind, account.userId, id);
      return addressOf("operations", `?${new URLSearchParams({ as: operator.userId, event }).toString()}`);
    };
  }, [operator, newestEvents, kind, account.userId]);
}
