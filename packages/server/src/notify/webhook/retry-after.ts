/** `Retry-After` (RFC 9110 10.2.3): seconds or a date. */

/** Milliseconds from `now`; undefined for a missing and for an unreadable value. */
export function retryAfterOf(value: string | null, now: number): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // Dates only: `Date.parse` reads other numbers as years.
  const at = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
