/** The name under which the server keeps what this device has acknowledged. */

export type ClientIdStorage = Pick<Storage, "getItem" | "setItem">;

const KEY = "broadtape.clientId";
const CLIENT_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** The name that is kept here, or a new one; only for this page where nothing can be kept. */
export function keptClientId(storage: ClientIdStorage | undefined, random: () => number): string {
  try {
    // Looked up in here: a page that may not use its storage is refused when it asks for it.
    const place = storage ?? (globalThis as { localStorage?: ClientIdStorage }).localStorage;
    const kept = place?.getItem(KEY) ?? "";
    if (CLIENT_ID.test(kept)) return kept;
    const made = newClientId(random);
    place?.setItem(KEY, made);
    return made;
  } catch {
    return newClientId(random);
  }
}

/** 128 bits, so that no two devices of a user meet. */
function newClientId(random: () => number): string {
  const word = () =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, "0");
  return Array.from({ length: 4 }, word).join("");
}
