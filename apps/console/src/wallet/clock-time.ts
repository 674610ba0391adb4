/** Times of day on the screen, in the reader's zone. */

const FORMAT = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** `09:26:05`. Nothing for what is no time. */
export function clockTime(time: string | number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? "" : FORMAT.format(date);
}
