/** Ascending offsets as a short text: the first, then the distance of each from the one before. */
import type { Offset } from "@broadtape/protocol/event-id";

export function encodeRun(offsets: readonly Offset[]): string {
  let last = 0;
  const distances = offsets.map((offset) => {
    const distance = offset - last;
    last = offset;
    return distance;
  });
  return distances.join(" ");
}

export function decodeRun(text: string): Offset[] {
  let last = 0;
  return text.split(" ").map((distance) => (last += Number(distance)));
}
