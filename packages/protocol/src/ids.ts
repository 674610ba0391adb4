/** Names that publishers choose. They stand in topic names and lists: nothing that separates, no `*`. */
import { z } from "zod";

/** Users' names come from elsewhere: no `*`, no comma, no control characters. */
export const USER_ID = /^[^\u0000-\u001f\u007f*,]{1,256}$/;
/** Strategies, alerts, agents. */
export const ENTITY_ID = /^[A-Za-z0-9][A-Za-z0-9._:#@=+/~-]{0,127}$/;

export const userId = z.string().regex(USER_ID, "must be a user id");
export const entityId = z.string().regex(ENTITY_ID, "must be an id: 1 to 128 letters, digits or . _ : # @ = + / ~ -");
