/** Topics of one user's own, `{kind}:{user}` and `{kind}:me`: for that user alone, not for the team. */
import { USER_ID } from "@broadtape/protocol/ids";
import type { TopicKind } from "./product.ts";

export const ofOneUser = {
  param: (written, { userId }) => (written === "me" ? userId : USER_ID.test(written) ? written : undefined),
  mayFollow: ({ userId }, param) => param === userId,
  entity: (param) => param,
} as const satisfies Pick<TopicKind, "param" | "mayFollow" | "entity">;
