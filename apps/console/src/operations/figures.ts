/** Figures as an operator reads them: few digits, a unit, the same width as they change. */

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;
export const NONE = "–";

/** `12,345`. */
export function countText(count: number | null | undefined): string {
  return count === null || count === undefined ? NONE : WHOLE.format(count);
}

/** `0`, `0.4`, `12.5`, `1,250`: a second. */
export function rateText(perSecond: number | null | undefined): string {
  if (perSecond === null || perSecond === undefined) return NONE;
  return perSecond === 0 || perSecond >= 100 ? WHOLE.format(perSecond) : perSecond.toFixed(1);
}

/** `512 B`, `1.5 KiB`. */
export function bytesText(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return NONE;
  const power = Math.min(BYTE_UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const scaled = bytes / 1024 ** power;
  return `${power === 0 || scaled >= 100 ? WHOLE.format(scaled) : scaled.toFixed(1)} ${BYTE_UNITS[power] ?? ""}`;
}

/** `0.45 ms`, `12.3 ms`, `1.2 s`. */
export function msText(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return NONE;
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms >= 100) return `${ms.toFixed(0)} ms`;
  return `${ms.toFixed(ms >= 10 ? 1 : 2)} ms`;
}

const SPANS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
] as const;

/** `3 d 4 h`, `5 min 12 s`, `42 s`: the two greatest units. */
export function spanText(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return NONE;
  const first = SPANS.findIndex(([, each]) => ms >= each);
  if (first < 0) return "0 s";
  let left = ms;
  const parts: string[] = [];
  for (const [unit, each] of SPANS.slice(first, first + 2)) {
    const count = Math.floor(left / each);
    left -= count * each;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.join(" ");
}

/** `7.5 %` of a share from 0 to 1. */
export function shareText(share: number | null | undefined): string {
  return share === null || share === undefined ? NONE : `${(share * 100).toFixed(share >= 0.995 ? 0 : 1)} %`;
}
