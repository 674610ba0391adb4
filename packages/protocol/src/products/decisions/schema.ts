/** AI decisions (contract 50-sse): a user's own, in whatever form their maker gives them. */
import { z } from "zod";
import { userId } from "../../ids.ts";

/** What must not be seen in it is hidden when it is shown (`redact`). */
export const aiDecision = z.looseObject({ userId });

export type AiDecision = z.infer<typeof aiDecision>;
